from fastrtc import ReplyOnPause, SmartTurn, Stream


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply, turn_model=SmartTurn()),
    modality="audio",
    mode="send-receive",
)
