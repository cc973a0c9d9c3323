import os

from fastrtc import ReplyOnPause, Stream, get_coturn_credentials


def reply(audio):
    yield audio


def credentials():
    return get_coturn_credentials(
        os.environ["TURN_SECRET"],
        ["turn:turn.example.org:3478", "turns:turn.example.org:5349?transport=tcp"],
        ttl=600,
    )


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    rtc_configuration=credentials,
)
