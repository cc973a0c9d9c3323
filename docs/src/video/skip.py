import time

import numpy as np

from fastrtc import Stream, VideoStreamHandler


def slow(frame):
    time.sleep(0.2)  # a slow model
    return np.flip(frame, axis=0)


stream = Stream(VideoStreamHandler(slow, skip_frames=True), modality="video", mode="send-receive")
