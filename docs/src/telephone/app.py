import os

from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo, input_sample_rate=8000, output_sample_rate=8000),
    modality="audio",
    mode="send-receive",
    twilio_auth_token=os.getenv("MY_TWILIO_TOKEN"),
)
app = FastAPI()
stream.mount(app)  # adds /telephone/incoming and /telephone/handler
