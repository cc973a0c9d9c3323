"""Microphone and speaker of this machine, through sounddevice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.fifo import SampleFifo
from ..testing.line import FRAME, RATE

__all__ = ["Microphone", "NoDevice", "Player"]

MAX_PLAYED_S = 1.0
"""How much audio may wait for the speaker, in seconds; more is dropped."""


class NoDevice(Exception):
    """There is no sounddevice, PortAudio or device; the message says what to do."""


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise NoDevice(
            'microphone and speaker need sounddevice: pip install "fastrtc[talk]", or use '
            "--wav or --text"
        ) from None
    except OSError as error:  # without the library
        raise NoDevice(
            f"{error}: install it (on Debian: apt install libportaudio2), or use --wav or --text"
        ) from None
    return sounddevice


def _start(kind: str, device: int | str | None, callback: Callable[..., None]) -> Any:
    """Open and start a stream of sounddevice."""
    library = _sounddevice()
    try:
        stream = getattr(library, kind)(
            samplerate=RATE,
            blocksize=FRAME,
            channels=1,
            dtype="int16",
            device=device,
            callback=callback,
        )
        stream.start()
    except (library.PortAudioError, ValueError) as error:
        raise NoDevice(_why_not(library, kind, error)) from error
    return stream


def _why_not(library: Any, kind: str, error: Exception) -> str:
    """Describe why a device cannot be opened, and name those that there are."""
    what = "microphone" if kind == "InputStream" else "speaker"
    channels = "max_input_channels" if kind == "InputStream" else "max_output_channels"
    there = [
        f"{number} {device['name']}"
        for number, device in enumerate(library.query_devices())
        if device[channels]
    ]
    if not there:
        return f"this machine has no {what} ({error}): use --wav, or --text"
    option = "--input-device" if kind == "InputStream" else "--output-device"
    return f"the {what} cannot be opened: {error}. {option} may be: {', '.join(there)}"


class Microphone:
    """Deliver frames of 20 ms at 48 kHz, on the running event loop.

    Args:
        device: A number or a part of the name; None for the default device.
        deliver: Called with each frame, shape ``(960,)``.

    Raises:
        NoDevice: If it cannot be opened.
    """

    def __init__(
        self, device: int | str | None, deliver: Callable[[NDArray[np.int16]], None]
    ) -> None:
        loop = asyncio.get_running_loop()

        def called(data: NDArray[np.int16], *rest: object) -> None:
            loop.call_soon_threadsafe(deliver, data[:, 0].copy())

        self._stream = _start("InputStream", device, called)

    def close(self) -> None:
        """Close the device."""
        self._stream.close()


class Player:
    """Play audio at 48 kHz.

    Args:
        device: A number or a part of the name; None for the default device.

    Attributes:
        delay_s: How long after ``play`` the last audio is audible, or will be, in seconds: what was
            queued before it, and the delay of the device.

    Raises:
        NoDevice: If it cannot be opened.
    """

    def __init__(self, device: int | str | None) -> None:
        self._lock = threading.Lock()
        self._fifo = SampleFifo(1)
        self._stream = _start("OutputStream", device, self._called)
        self.delay_s: float = self._stream.latency

    def play(self, samples: NDArray[np.int16]) -> None:
        """Queue samples of shape ``(n,)``."""
        with self._lock:
            self.delay_s = len(self._fifo) / RATE + self._stream.latency
            if len(self._fifo) < MAX_PLAYED_S * RATE:
                self._fifo.push(samples[np.newaxis])

    def close(self) -> None:
        """Close the device."""
        self._stream.close()

    def _called(self, out: NDArray[np.int16], frames: int, *rest: object) -> None:
        with self._lock:
            count = min(frames, len(self._fifo))
            out[:count, 0] = self._fifo.pop(count)[0]
        out[count:] = 0
