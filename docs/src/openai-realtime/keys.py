import hmac
import os

from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream

API_KEY = os.environ["OPENAI_API_KEY"]  # yours: the servers that use this one have it


def authorize(request):
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    if hmac.compare_digest(key.encode(), API_KEY.encode()):
        return True  # your server: it may create keys
    return None  # a client, whose token is checked; it may not


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive", authorize=authorize)
stream.tokens(os.environ["TOKEN_SECRET"])
app = FastAPI()
stream.mount(app, protocols=["openai-realtime"])
