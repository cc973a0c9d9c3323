import numpy as np

from fastrtc import ReplyOnPause, Stream, TurnModel


class FadingVoice(TurnModel):
    """Treats a turn as complete if the voice is quieter at its end than before."""

    def complete(self, audio_16k):
        spoken = audio_16k[np.abs(audio_16k) > 0.02]
        if spoken.size < 16000:
            return 1.0  # too short to tell
        before, end = spoken[:-4000], spoken[-4000:]
        return 1.0 if np.square(end).mean() < 0.5 * np.square(before).mean() else 0.0


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply, turn_model=FadingVoice()),
    modality="audio",
    mode="send-receive",
)
