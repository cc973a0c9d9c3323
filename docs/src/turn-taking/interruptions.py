from fastrtc import ReplyOnPause, Stream

SPOKEN = "A long answer, which somebody cuts short"


def reply(audio):
    yield audio


def interrupted(played_s):
    print(f"They heard {played_s:.1f} s of: {SPOKEN}")


stream = Stream(
    ReplyOnPause(reply, on_interrupt=interrupted), modality="audio", mode="send-receive"
)
