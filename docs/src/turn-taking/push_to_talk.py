from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import ReplyOnPause, Stream


def reply(audio):
    yield audio


stream = Stream(ReplyOnPause(reply, turn_detection="manual"), modality="audio", mode="send-receive")

app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))


@app.get("/")
def page():
    return HTMLResponse(Path("push_to_talk.html").read_text())
