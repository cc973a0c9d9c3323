"""An audio stream, and the playground for it on the same server."""

import numpy as np
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from fastrtc import ReplyOnPause, Stream


def echo(audio: tuple[int, np.ndarray]):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")

app = FastAPI()
stream.mount(app, path="/talk")
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))
