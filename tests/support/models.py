"""A voice activity model for tests that use a tone as speech."""

from typing import Any

import numpy as np

__all__ = ["Energy", "StreamingEnergy"]

LOUD = 1000


class Energy:
    """Treats loud audio as speech; called chunk by chunk, because it has only `vad`."""

    def vad(self, audio: Any, options: Any) -> tuple[float, list[Any]]:
        rate, samples = audio
        loud = np.abs(np.asarray(samples).reshape(-1).astype(int)) > LOUD
        return float(loud.mean()) * loud.size / rate, []

    def warmup(self) -> None: ...


class StreamingEnergy(Energy):
    """The same, window by window: 512 samples at 16 kHz."""

    def open_stream(self, options: Any) -> "_EnergyStream":
        return _EnergyStream()


class _EnergyStream:
    def __init__(self) -> None:
        self.samples = np.zeros(0)

    def push(self, samples: np.ndarray) -> list[float]:
        """Return the probability of speech in each complete window."""
        self.samples = np.concatenate((self.samples, samples))
        count = len(self.samples) // 512
        windows, self.samples = np.split(self.samples, [count * 512])
        scale = 1 if np.abs(windows).max(initial=0) > 1 else 32768
        levels = np.sqrt(((windows * scale).reshape(count, 512) ** 2).mean(axis=1))
        return [0.95 if level > LOUD else 0.02 for level in levels]

    def reset(self) -> None:
        self.samples = np.zeros(0)
