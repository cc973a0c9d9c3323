import os

from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream

API_KEY = os.environ["OPENAI_API_KEY"]  # yours: the servers that use this one have it


def authorize(request):
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    return key == API_KEY or key.startswith("frtc1.")  # a token, which was checked before


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive", authorize=authorize)
stream.tokens(os.environ["TOKEN_SECRET"])
app = FastAPI()
stream.mount(app, protocols=["openai-realtime"])
