import numpy as np

from fastrtc import PauseDetectionModel, ReplyOnPause, Stream
from fastrtc.utils import AudioChunk


class Loudness(PauseDetectionModel):
    """A voice activity detector that treats sound above a threshold as speech."""

    def warmup(self):
        pass

    def vad(self, audio, options):
        rate, samples = audio
        samples = np.asarray(samples).reshape(-1)
        if samples.dtype == np.int16:
            samples = samples / 32768
        size = rate // 50  # 20 ms
        whole = len(samples) // size * size
        rms = np.sqrt((samples[:whole].reshape(-1, size) ** 2).mean(axis=1))
        loud = np.flatnonzero(rms > (options or 0.02))
        chunks = [AudioChunk(start=int(i * size), end=int((i + 1) * size)) for i in loud]
        return len(loud) / 50, chunks  # seconds of speech, and where they are


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply, model=Loudness(), model_options=0.05),
    modality="audio",
    mode="send-receive",
)
