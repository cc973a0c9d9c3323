from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    concurrency_limit=20,  # connections at a time
    time_limit=600,  # seconds that each may last
)
