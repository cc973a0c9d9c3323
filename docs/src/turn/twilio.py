from fastrtc import ReplyOnPause, Stream, get_twilio_turn_credentials_async


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    rtc_configuration=get_twilio_turn_credentials_async,
)
