from fastrtc import Limits, ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    concurrency_limit=50,
    time_limit=600,
    limits=Limits(start_within_s=5, sockets_waiting=50),
)
