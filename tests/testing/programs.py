"""Programs to call, and a caller whose speech is a tone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastrtc import AlgoOptions, ReplyOnPause, Stream
from tests.support.models import Energy

__all__ = ["Tones", "Words", "WORDS", "audio_stream", "replying", "tone"]

RATE = 24_000
WORDS = {"zero": 300.0, "one": 500.0, "two": 700.0, "three": 900.0}
"""The frequencies, in Hz, of what the tests have for words."""

WORD_S = 0.3


def tone(seconds: float, frequency: float = 400.0, rate: int = RATE) -> NDArray[np.int16]:
    t = np.arange(round(seconds * rate)) / rate
    return (8000 * np.sin(2 * np.pi * frequency * t)).astype(np.int16)


def audio_stream(handler: Any) -> Stream:
    return Stream(handler, modality="audio", mode="send-receive", concurrency_limit=9)


def replying(fn: Any, **options: Any) -> Stream:
    """A stream that calls `fn` when the caller pauses; a loud sound is speech."""
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    return audio_stream(ReplyOnPause(fn, algo_options=algo, model=Energy(), **options))


class Tones:
    """A text-to-speech model that says each word as a tone."""

    def tts(self, text: str, options: Any = None) -> tuple[int, NDArray[np.int16]]:
        return RATE, np.concatenate([tone(WORD_S, WORDS[word]) for word in text.split()])

    def stream_tts_sync(self, text: str, options: Any = None) -> Iterator[Any]:
        yield self.tts(text)

    async def stream_tts(self, text: str, options: Any = None) -> Any:
        yield self.tts(text)


class Words:
    """The speech-to-text model for it."""

    def stt(self, audio: tuple[int, NDArray[np.int16]]) -> str:
        rate, samples = audio
        loud = np.flatnonzero(np.abs(samples.astype(int)) > 500)
        said = samples[loud[0] : loud[-1] + 1] if loud.size else samples[:0]
        size = round(WORD_S * rate)
        found = []
        for start in range(0, len(said) - size // 2, size):
            spectrum = np.abs(np.fft.rfft(said[start : start + size]))
            frequency = np.argmax(spectrum) * rate / len(said[start : start + size])
            found.append(min(WORDS, key=lambda word: abs(WORDS[word] - frequency)))
        return " ".join(found).capitalize() + "."
