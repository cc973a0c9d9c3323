"""When turns end: `end_of_turn.py FILE` prints the times of their ends, in seconds.

FILE has 48 kHz mono samples (`numpy.save`); they are fed to `ReplyOnPause.process_audio` in frames
of 20 ms.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from talking import model

from fastrtc import ReplyOnPause

RATE = 48_000


def main() -> None:
    """Process the file."""
    samples = np.load(sys.argv[1])
    size = RATE // 50
    handler = ReplyOnPause(lambda audio: iter(()), model=model())
    ends = []
    for start in range(0, samples.size - size, size):
        handler.process_audio((RATE, samples[start : start + size].reshape(1, -1)), handler.state)
        if handler.state.pause_detected:
            ends.append((start + size) / RATE)
            handler.reset()
    print(json.dumps(ends))


if __name__ == "__main__":
    main()
