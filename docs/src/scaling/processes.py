from fastapi import FastAPI
from pydantic import BaseModel

from fastrtc import ReplyOnPause, Stream


def reply(audio, volume=1):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=20,  # of each process
    total_limit=70,  # of all processes
    drain_limit=300,
)
app = FastAPI()
stream.mount(app)
stream.mount_health(app)


class Volume(BaseModel):
    webrtc_id: str
    volume: int


@app.post("/volume")
def set_volume(given: Volume):
    stream.set_input(given.webrtc_id, given.volume)  # in whichever process the connection is
