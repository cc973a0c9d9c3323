"""Handlers that note what happens to them, and pictures and sounds to tell apart."""

import asyncio
import queue
from typing import Any

import numpy as np

from fastrtc import (
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    StreamHandler,
    wait_for_item,
)

__all__ = [
    "AsyncAudioEcho",
    "AsyncAudioVideoEcho",
    "AudioEcho",
    "AudioVideoEcho",
    "flip",
    "frequency",
    "is_blue_on_top",
    "is_red_on_top",
    "red_on_top",
    "steps",
]

RATE = 48000


def red_on_top(width: int = 160, height: int = 120) -> np.ndarray:
    """A picture, BGR: red above, blue below."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, :, 2] = 220
    picture[height // 2 :, :, 0] = 220
    return picture


def flip(frame: np.ndarray) -> np.ndarray:
    return np.flip(frame, axis=0)


def is_red_on_top(picture: np.ndarray) -> bool:
    half = picture.shape[0] // 2
    above, below = picture[: half - 4], picture[half + 4 :]
    return bool(
        above[..., 2].mean() > 120 > 80 > above[..., 0].mean()
        and below[..., 0].mean() > 120 > 80 > below[..., 2].mean()
    )


def is_blue_on_top(picture: np.ndarray) -> bool:
    return is_red_on_top(picture[::-1])


def frequency(samples: np.ndarray, rate: int = RATE) -> float:
    """The loudest frequency in Hz."""
    samples = np.asarray(samples).reshape(-1).astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    spectrum[0] = 0
    return float(np.argmax(spectrum) * rate / len(samples))


def steps(count: int, seconds: float, first: float = 400.0, by: float = 200.0) -> np.ndarray:
    """Tones one after another, each higher than the one before; 48 kHz, int16."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = [8000 * np.sin(2 * np.pi * (first + k * by) * time) for k in range(count)]
    return np.concatenate(tones).astype(np.int16)


class _Notes:
    """Keeps what a handler was called with; each connection gets one with the same options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"input_sample_rate": 24000, **options})
        self.options = options
        self.calls: list[str] = []
        self.heard: list[tuple[int, np.ndarray]] = []
        self.seen: list[np.ndarray] = []

    def copy(self) -> Any:
        return type(self)(**self.options)

    def samples(self) -> np.ndarray:
        """All that was heard, shape (n,), interleaved if it is stereo."""
        return np.concatenate([np.zeros(0, np.int16), *(s.reshape(-1) for _, s in self.heard)])


class AudioEcho(_Notes, StreamHandler):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.audio: queue.Queue = queue.Queue()

    def start_up(self) -> None:
        self.calls.append("start_up")

    def receive(self, frame: Any) -> None:
        self.heard.append(frame)
        self.audio.put(frame)

    def emit(self) -> Any:
        try:
            return self.audio.get(timeout=0.1)
        except queue.Empty:
            return None

    def shutdown(self) -> None:
        self.calls.append("shutdown")


class AsyncAudioEcho(_Notes, AsyncStreamHandler):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.audio: asyncio.Queue = asyncio.Queue()

    async def start_up(self) -> None:
        self.calls.append("start_up")

    async def receive(self, frame: Any) -> None:
        self.heard.append(frame)
        self.audio.put_nowait(frame)

    async def emit(self) -> Any:
        return await wait_for_item(self.audio)

    async def shutdown(self) -> None:
        self.calls.append("shutdown")


class AudioVideoEcho(AudioEcho, AudioVideoStreamHandler):
    """Gives audio back as it came and video flipped; without any of either, it makes some."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.video: queue.Queue = queue.Queue()

    def video_receive(self, frame: np.ndarray) -> None:
        self.seen.append(frame)
        self.video.put(frame)

    def video_emit(self) -> Any:
        try:
            return flip(self.video.get(timeout=0.1))
        except queue.Empty:
            return None


class AsyncAudioVideoEcho(AsyncAudioEcho, AsyncAudioVideoStreamHandler):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.video: asyncio.Queue = asyncio.Queue()

    async def video_receive(self, frame: np.ndarray) -> None:
        self.seen.append(frame)
        self.video.put_nowait(frame)

    async def video_emit(self) -> Any:
        frame = await wait_for_item(self.video)
        return None if frame is None else flip(frame)
