from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


def flip(frame):
    return frame[::-1]


app = FastAPI()
voice = Stream(ReplyOnPause(echo), modality="audio", concurrency_limit=20)
voice.mount(app, path="/voice")  # POST /voice/webrtc/offer and so on
camera = Stream(flip, modality="video")
camera.mount(app, path="/camera")
