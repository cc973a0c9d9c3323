from fastrtc import CloseStream, ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def reply(audio):
    yield audio


def goodbye():
    yield from voice.stream_tts_sync("Goodbye.")
    yield CloseStream("The user was silent")  # after that has been played


handler = ReplyOnPause(reply, idle={8.0: "Are you still there?", 20.0: goodbye})
stream = Stream(handler, modality="audio", mode="send-receive", voice=voice)
