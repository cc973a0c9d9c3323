import time

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from fastrtc import ReplyOnPause, Stream

replies = 0
latest_s = 0.0


def reply(audio):
    global replies, latest_s
    began = time.monotonic()
    yield audio  # your reply
    latest_s = time.monotonic() - began
    replies += 1


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=20,
)

app = FastAPI()
stream.mount(app)


@app.get("/metrics", response_class=PlainTextResponse)
async def metrics():
    return (
        f"fastrtc_connections {len(stream.connections)}\n"
        f"fastrtc_connections_limit {stream.concurrency_limit}\n"
        f"replies_total {replies}\n"
        f"reply_seconds {latest_s:.3f}\n"
    )
