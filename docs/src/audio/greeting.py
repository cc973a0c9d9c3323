from fastrtc import ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def greet():
    yield from voice.stream_tts_sync("Welcome. Say something, and I repeat it.")


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo, startup_fn=greet), modality="audio", mode="send-receive")
