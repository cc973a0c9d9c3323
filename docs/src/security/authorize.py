import os

from fastapi import FastAPI, Request, WebSocket

from fastrtc import ReplyOnPause, Stream, Unauthorized

USERS = {"d41d8cd9": "ada"}  # from your database


async def authorize(request: Request | WebSocket) -> None:
    if request.url.path.startswith("/telephone/"):
        return  # Twilio sends no cookies; twilio_auth_token below authenticates it
    if request.cookies.get("session") not in USERS:
        raise Unauthorized("Log in first.")


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    authorize=authorize,
    twilio_auth_token=os.environ["MY_TWILIO_TOKEN"],
)
app = FastAPI()
stream.mount(app)
