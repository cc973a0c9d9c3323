import numpy as np
from fastapi import FastAPI

from fastrtc import Stream

RATE = 48000


def radio():
    time = np.arange(RATE) / RATE
    while True:
        for note in (262, 330, 392, 523):
            yield RATE, (8000 * np.sin(2 * np.pi * note * time)).astype(np.int16)


stream = Stream(radio, modality="audio", mode="receive", concurrency_limit=100)
app = FastAPI()
stream.mount(app, protocols=["fastrtc", "whip"])
