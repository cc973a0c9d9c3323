import numpy as np

from fastrtc import Stream


def flip(frame):  # BGR, uint8, shape (height, width, 3)
    return np.flip(frame, axis=0)


stream = Stream(flip, modality="video", mode="send-receive")

if __name__ == "__main__":
    stream.ui.launch()
