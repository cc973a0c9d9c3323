import gradio as gr
from fastapi import FastAPI

from fastrtc import Stream


def flip(frame):
    return frame[::-1]


stream = Stream(flip, modality="video")
app = FastAPI()
stream.mount(app)
app = gr.mount_gradio_app(app, stream.ui, path="/")
