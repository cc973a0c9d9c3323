"""What clients send: encoded once, then played in a loop at its own pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import av
import numpy as np
from aiortc import MediaStreamTrack

AUDIO_RATE = 48_000
FRAME = AUDIO_RATE // 50
VIDEO_RATE = 90_000
_AUDIO_TIME_BASE = Fraction(1, AUDIO_RATE)
_VIDEO_TIME_BASE = Fraction(1, VIDEO_RATE)


def speech_like(seconds: float = 8.0) -> np.ndarray:
    """A voice-like sound `(n,)` int16: harmonics of a moving pitch, four syllables a second.

    It never pauses for longer than part of a frame, so that every packet of its echo is audible.
    """
    rng = np.random.default_rng(1)
    moment = np.arange(int(seconds * AUDIO_RATE)) / AUDIO_RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.5 * moment)
    phase = 2 * np.pi * np.cumsum(pitch) / AUDIO_RATE
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 25))
    loudness = 0.25 + 0.75 * np.sin(np.pi * 4 * moment) ** 2
    sound = 4000 * voice * loudness + rng.normal(0, 150, moment.size)
    return np.clip(sound, -32768, 32767).astype(np.int16)


def silence(seconds: float = 8.0) -> np.ndarray:
    """What a muted microphone sends, `(n,)` int16."""
    return np.zeros(int(seconds * AUDIO_RATE), np.int16)


def room_noise(seconds: float = 8.0) -> np.ndarray:
    """What a microphone hears in a quiet room in which nobody speaks, `(n,)` int16."""
    noise = np.random.default_rng(1).normal(0, 30, int(seconds * AUDIO_RATE))
    return noise.astype(np.int16)


def encode_opus(samples: np.ndarray, loss: float = 0.0) -> list[bytes]:
    """20 ms packets of `samples` `(n,)` int16 at 48 kHz, with the settings that aiortc uses.

    With FEC against a share of lost packets, if that is not 0.
    """
    codec = av.CodecContext.create("libopus", "w")
    codec.bit_rate = 96_000
    codec.format = "s16"
    codec.layout = "stereo"
    codec.sample_rate = AUDIO_RATE
    codec.time_base = _AUDIO_TIME_BASE
    codec.options = {
        "application": "voip",
        "fec": str(int(loss > 0)),
        "packet_loss": str(round(100 * loss)),
    }
    packets = []
    for start in range(0, samples.size - FRAME + 1, FRAME):
        stereo = np.repeat(samples[start : start + FRAME], 2)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(stereo, format="s16", layout="stereo")
        frame.sample_rate = AUDIO_RATE
        frame.pts = start
        frame.time_base = _AUDIO_TIME_BASE
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


def encode_vp8(width: int, height: int, fps: int, seconds: int = 2) -> list[bytes]:
    """A moving pattern at 1 Mbit/s, with a key frame at the start of each second."""
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height = width, height
    codec.pix_fmt = "yuv420p"
    codec.bit_rate = 1_000_000
    codec.time_base = Fraction(1, fps)
    codec.gop_size = fps
    codec.options = {"cpu-used": "-6", "deadline": "realtime", "lag-in-frames": "0"}
    ramp = np.add.outer(np.arange(height), np.arange(width))
    packets = []
    for index in range(fps * seconds):
        picture = np.stack([(ramp + index * step) % 256 for step in (2, 5, 9)], axis=2)
        frame = av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="bgr24")
        frame.pts = index
        frame.time_base = codec.time_base
        packets += [bytes(packet) for packet in codec.encode(frame.reformat(format="yuv420p"))]
    return packets


class PacketTrack(MediaStreamTrack):
    """Sends encoded packets in a loop.

    Starts when `go` is set, at once by default; falls silent after `most` packets, if given.
    """

    _step: ClassVar[int]
    _time_base: ClassVar[Fraction]

    def __init__(
        self,
        packets: Sequence[bytes],
        go: asyncio.Event | None = None,
        most: int | None = None,
    ) -> None:
        super().__init__()
        #: May be replaced by as many others, of the same sound.
        self.packets = packets
        self._go = go
        self._most = most
        #: Set when `most` packets are sent.
        self.done = asyncio.Event()
        self._began = 0.0
        self._sent = 0
        #: Monotonic time at which each packet was handed to the sender.
        self.times: list[float] = []

    async def recv(self) -> av.Packet:
        """The next packet, when it is due."""
        if not self._sent:
            if self._go is not None:
                await self._go.wait()
            self._began = time.monotonic()
        if self._sent == self._most:
            self.done.set()
            await asyncio.Event().wait()  # until the sender is stopped
        due = self._began + float(self._sent * self._step * self._time_base)
        await asyncio.sleep(due - time.monotonic())
        packet = av.Packet(self.packets[self._sent % len(self.packets)])
        packet.pts = self._sent * self._step
        packet.time_base = self._time_base
        self._sent += 1
        self.times.append(time.monotonic())
        return packet


class AudioTrack(PacketTrack):
    """Opus, 20 ms a packet."""

    kind = "audio"
    _step = FRAME
    _time_base = _AUDIO_TIME_BASE


class VideoTrack(PacketTrack):
    """VP8, 30 frames a second."""

    kind = "video"
    FPS = 30
    _step = VIDEO_RATE // FPS
    _time_base = _VIDEO_TIME_BASE
