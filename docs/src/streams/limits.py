from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    concurrency_limit=20,  # concurrent connections
    time_limit=600,  # maximum duration of each, in seconds
)
