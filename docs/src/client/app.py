from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from fastrtc import ReplyOnPause, Stream


def louder(audio, factor):
    rate, samples = audio
    yield rate, (samples.clip(-16000, 16000) * factor).astype("int16")


stream = Stream(ReplyOnPause(louder), modality="audio", mode="send-receive")

app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))


class Inputs(BaseModel):
    webrtc_id: str
    factor: float


@app.post("/inputs")
async def set_inputs(inputs: Inputs):
    stream.set_input(inputs.webrtc_id, inputs.factor)


@app.get("/")
def page():
    return HTMLResponse(Path("index.html").read_text())
