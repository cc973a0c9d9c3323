from fastrtc import ReplyOnPause, Stream


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    rtc_configuration={
        "iceServers": [
            {
                "urls": "turn:turn.example.org:3478",
                "username": "me",
                "credential": "a password",
            }
        ]
    },
)
