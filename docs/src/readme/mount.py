import gradio as gr
from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")

app = FastAPI()
stream.mount(app)  # /webrtc/offer, /websocket/offer, /telephone/incoming
app = gr.mount_gradio_app(app, stream.ui, path="/")  # or your own page
