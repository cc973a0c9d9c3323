"""A voice activity model for tests that use a tone as speech."""

from typing import Any

import numpy as np

__all__ = ["Energy"]

LOUD = 1000


class Energy:
    """Treats loud audio as speech; called chunk by chunk, because it has only `vad`."""

    def vad(self, audio: Any, options: Any) -> tuple[float, list[Any]]:
        rate, samples = audio
        loud = np.abs(np.asarray(samples).reshape(-1).astype(int)) > LOUD
        return float(loud.mean()) * loud.size / rate, []

    def warmup(self) -> None: ...
