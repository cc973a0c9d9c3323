import numpy as np

from fastrtc import Interruption, ReplyOnPause, Speech, Stream

BEEP = (4000 * np.sin(np.arange(24_000) / 10)).astype(np.int16)  # in place of a recording


def reply(audio):
    yield Speech(24_000, BEEP, text="For sales, press one.")
    yield Speech(24_000, BEEP, text="For everything else, stay on the line.")


def interrupted(interruption: Interruption):
    print("Heard:", interruption.heard_text)


stream = Stream(
    ReplyOnPause(reply, on_interrupt=interrupted), modality="audio", mode="send-receive"
)
