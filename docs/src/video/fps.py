import numpy as np

from fastrtc import Stream, VideoStreamHandler


def moving_bar():
    for position in range(0, 600, 4):
        picture = np.zeros((360, 640, 3), np.uint8)
        picture[:, position : position + 40] = (216, 160, 30)
        yield picture


stream = Stream(VideoStreamHandler(moving_bar, fps=60), modality="video", mode="receive")
