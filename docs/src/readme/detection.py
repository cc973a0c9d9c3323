from functools import cache

import gradio as gr
import numpy as np
from huggingface_hub import hf_hub_download
from onnxruntime import InferenceSession
from PIL import Image, ImageDraw

from fastrtc import Stream, VideoStreamHandler


@cache
def network():
    file = hf_hub_download("onnx-community/yolov10n", "onnx/model.onnx")
    return InferenceSession(file)


def detect(frame, threshold=0.3):
    image = Image.fromarray(frame[..., ::-1]).resize((640, 640))
    pixels = np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 255
    found = np.asarray(network().run(None, {"images": pixels})[0])
    for *box, score, _kind in found[0]:
        if score >= threshold:
            ImageDraw.Draw(image).rectangle(box, outline="red", width=4)
    return np.asarray(image)[..., ::-1]


stream = Stream(
    VideoStreamHandler(detect, skip_frames=True),
    modality="video",
    mode="send-receive",
    additional_inputs=[gr.Slider(0, 1, value=0.3, label="Threshold")],
)

if __name__ == "__main__":
    stream.ui.launch()
