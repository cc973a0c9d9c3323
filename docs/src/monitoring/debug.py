import hmac
import os

from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream

PASSWORD = os.getenv("DEBUG_PASSWORD", "")


def reply(audio):
    yield audio


def authorize(request):
    """Let everyone connect, but only developers see the debug page."""
    if "/fastrtc/debug" not in request.url.path:
        return True
    given = request.query_params.get("password", "")
    return bool(PASSWORD) and hmac.compare_digest(given.encode(), PASSWORD.encode())


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    authorize=authorize,
    debug=True,
)
app = FastAPI()
stream.mount(app)
