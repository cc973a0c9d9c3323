"""Object detection: a YOLO model draws boxes around the objects in your camera's video."""

import os
from functools import cache

import gradio as gr
import numpy as np
import onnxruntime
from fastapi import FastAPI
from huggingface_hub import hf_hub_download
from PIL import Image, ImageDraw, ImageFont

from fastrtc import Stream, VideoStreamHandler, WebRTCError

# The 80 classes of the COCO data set, in its order
KINDS = """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light,
fire hydrant, stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear,
zebra, giraffe, backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball,
kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup,
fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut,
cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard,
cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear,
hair drier, toothbrush""".replace("\n", " ").split(", ")
COLOURS = ("#f2c230", "#2ec27e", "#3584e4", "#e66100", "#c061cb", "#ed333b")


@cache
def network():
    """Load the model at MODEL_PATH, or one from the Hugging Face Hub."""
    path = os.getenv("MODEL_PATH") or hf_hub_download("onnx-community/yolov10n", "onnx/model.onnx")
    return onnxruntime.InferenceSession(path)


def find_objects(image, conf_threshold):
    """Yield (box, score, kind) for each object; a box is left, top, right, bottom in the image."""
    taken = network().get_inputs()[0]
    size = taken.shape[2] if isinstance(taken.shape[2], int) else 640
    scale = size / max(image.size)
    small = image.resize([round(side * scale) for side in image.size])
    square = Image.new("RGB", (size, size), (114, 114, 114))
    square.paste(small)
    pixels = np.asarray(square, np.float32).transpose(2, 0, 1)[None] / 255
    (found,) = network().run(None, {taken.name: pixels})
    for *box, score, kind in found[0]:  # (n, 6), highest score first
        if score >= conf_threshold:
            yield [float(side) / scale for side in box], float(score), int(kind)


def detect(frame, conf_threshold=0.3):
    """Draw boxes on a frame (BGR, uint8, shape (height, width, 3))."""
    try:
        network()
    except Exception as error:
        raise WebRTCError(f"There is no network to detect with: {error}") from error
    image = Image.fromarray(frame[..., ::-1])
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(max(14, image.height / 26))
    for box, score, kind in find_objects(image, conf_threshold):
        colour = COLOURS[kind % len(COLOURS)]
        label = f" {KINDS[kind]} {score:.0%} "
        pen.rectangle(box, outline=colour, width=max(3, image.height // 120))
        pen.rectangle(pen.textbbox(box[:2], label, font), fill=colour)
        pen.text(box[:2], label, "black", font)
    return np.asarray(image)[..., ::-1]


stream = Stream(
    # Frames that arrive while the model is busy are skipped.
    VideoStreamHandler(detect, skip_frames=True),
    modality="video",
    mode="send-receive",
    additional_inputs=[gr.Slider(0, 1, value=0.3, step=0.05, label="Confidence threshold")],
    concurrency_limit=2,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={"title": "Object detection", "subtitle": "What a small network sees in your picture."},
)

app = FastAPI()
stream.mount(app)
app = gr.mount_gradio_app(app, stream.ui, path="/")

if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if os.getenv("MODE") == "UI":
        stream.ui.launch(server_port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
