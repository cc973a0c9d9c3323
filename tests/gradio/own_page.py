"""A page of the program's own with the component, launched or (MOUNTED=1) mounted on an app."""

import os

import gradio as gr
import uvicorn
from app import CONFIGURATION, Echo
from fastapi import FastAPI

from fastrtc import WebRTC

with gr.Blocks() as page:
    shown = gr.Textbox(label="Shown")
    component = WebRTC(modality="audio", mode="send-receive", **CONFIGURATION)
    component.stream(Echo(), [component], [component], concurrency_limit=2)
    component.on_additional_outputs(lambda text: text, outputs=[shown])

port = int(os.environ["PORT"])
if os.getenv("MOUNTED"):
    uvicorn.run(gr.mount_gradio_app(FastAPI(), page, path="/"), port=port)
else:
    page.launch(server_port=port)
