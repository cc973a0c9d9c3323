"""A model of voice activity for tests whose speech is a tone."""

from typing import Any

import numpy as np

__all__ = ["Energy"]

LOUD = 1000


class Energy:
    """Takes loud audio for speech; asked block by block, as it has nothing but `vad`."""

    def vad(self, audio: Any, options: Any) -> tuple[float, list[Any]]:
        rate, samples = audio
        loud = np.abs(np.asarray(samples).reshape(-1).astype(int)) > LOUD
        return float(loud.mean()) * loud.size / rate, []

    def warmup(self) -> None: ...
