import numpy as np
from fastapi import FastAPI

from fastrtc import Stream


def flip(frame):  # BGR, uint8, shape (height, width, 3)
    return np.flip(frame, axis=0)


stream = Stream(flip, modality="video", mode="send-receive")

app = FastAPI()
stream.mount(app)  # /webrtc/offer, for a page of your own: uvicorn flip:app
