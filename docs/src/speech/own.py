import numpy as np

from fastrtc import ReplyOnPause, Stream


class Loudness:
    """Transcribe only how loud the speech is."""

    def stt(self, audio):
        rate, samples = audio
        return "loud" if np.abs(samples).max() > 10_000 else "quiet"


class Beeps:
    """Speak with one beep for each word."""

    def tts(self, text, options=None):
        beep = np.sin(np.arange(4800) / 24_000 * 880 * 2 * np.pi).astype(np.float32) / 3
        return 24_000, np.tile(np.concatenate((beep, 0 * beep)), len(text.split()))

    def stream_tts_sync(self, text, options=None):
        yield self.tts(text, options)

    async def stream_tts(self, text, options=None):
        yield self.tts(text, options)


ears, voice = Loudness(), Beeps()


def reply(audio):
    yield from voice.stream_tts_sync(f"You were {ears.stt(audio)}.")


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
