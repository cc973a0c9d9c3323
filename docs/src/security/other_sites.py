from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    allowed_origins=["https://app.example.org"],
    allowed_hosts=["voice.example.org", "localhost", "127.0.0.1"],
)
app = FastAPI()
stream.mount(app)
