from fastapi import FastAPI

from fastrtc import Ice, ReplyOnPause, Stream


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=20,
    ice=Ice(udp_port=40000, tcp_port=40000),
)
app = FastAPI()
stream.mount(app)
