from fastapi import FastAPI
from pydantic import BaseModel, Field

from fastrtc import Stream


def darken(frame, brightness=0.5):
    return (frame * brightness).astype("uint8")


stream = Stream(darken, modality="video", mode="send-receive")
app = FastAPI()
stream.mount(app)


class Inputs(BaseModel):
    webrtc_id: str
    brightness: float = Field(ge=0, le=1)


@app.post("/inputs")
async def set_inputs(inputs: Inputs):
    stream.set_input(inputs.webrtc_id, inputs.brightness)
