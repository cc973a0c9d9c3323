"""What following somebody's audio costs: `listening.py FILE` prints CPU per second of audio.

FILE is a WAV of 48 kHz mono; it is fed to `ReplyOnPause.process_audio` in frames of 20 ms.
"""

from __future__ import annotations

import json
import sys
import time
import wave

import numpy as np
from talking import model

from fastrtc import ReplyOnPause


def main() -> None:
    """Measures one pass over the file, after a short one that warms up."""
    with wave.open(sys.argv[1], "rb") as file:
        rate = file.getframerate()
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    size = rate // 50
    frames = [(rate, sound[k : k + size].reshape(1, -1)) for k in range(0, sound.size - size, size)]
    handler = ReplyOnPause(lambda audio: iter(()), model=model())

    def listen(part: list[tuple[int, np.ndarray]]) -> None:
        for frame in part:
            handler.process_audio(frame, handler.state)
            if handler.state.pause_detected:
                handler.reset()

    listen(frames[:100])
    began = time.process_time()
    listen(frames)
    used = time.process_time() - began
    print(json.dumps({"vad": 100 * used / (len(frames) * 0.02)}))


if __name__ == "__main__":
    main()
