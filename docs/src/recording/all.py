from fastapi import FastAPI

from fastrtc import Recorder, ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    record=Recorder("calls/{date}/{id}.ogg"),
)

app = FastAPI()
stream.mount(app)
