from fastapi import FastAPI

from fastrtc import Context, ReplyOnPause, Stream


def reply(audio):
    yield audio


def on_connect(context: Context):
    context.state["reconnects"] = 0


def on_reconnect(context: Context):
    context.state["reconnects"] += 1
    context.send({"type": "welcome_back", "data": context.state["reconnects"]})


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    resume_within_s=60,
    on_connect=on_connect,
    on_reconnect=on_reconnect,
)

app = FastAPI()
stream.mount(app)  # uvicorn server:app
