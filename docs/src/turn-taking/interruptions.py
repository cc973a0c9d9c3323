from fastrtc import Interruption, ReplyOnPause, Stream, get_tts_model

voice = get_tts_model("espeak")


def reply(audio):
    yield from voice.stream_tts_sync("Here is a long story. Once upon a time there was a king.")


def interrupted(interruption: Interruption):
    print(f"They heard {interruption.played_s:.1f} s: {interruption.heard_text}")


stream = Stream(
    ReplyOnPause(reply, on_interrupt=interrupted), modality="audio", mode="send-receive"
)
