import gradio as gr
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel, Field

from fastrtc import AdditionalOutputs, Stream


def detection(image, conf_threshold=0.3):
    found = np.count_nonzero(image.mean(axis=2) > 255 * conf_threshold)
    return np.flip(image, axis=0), AdditionalOutputs(found)


stream = Stream(
    handler=detection,
    modality="video",
    mode="send-receive",
    additional_inputs=[gr.Slider(minimum=0, maximum=1, step=0.01, value=0.3)],
    additional_outputs=[gr.Number()],
    additional_outputs_handler=lambda component, found: found,
)
app = FastAPI()
stream.mount(app)


class InputData(BaseModel):
    webrtc_id: str
    conf_threshold: float = Field(ge=0, le=1)


@app.post("/input_hook")
async def _(data: InputData):
    stream.set_input(data.webrtc_id, data.conf_threshold)
