import wave
from pathlib import Path

import numpy as np
import pytest

from fastrtc.recording.wav import WavSink

from .sound import RATE, block, noise


def test_the_file_is_readable_after_each_flush(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    sink = WavSink(path.open("w+b", buffering=0))
    sound = np.stack((noise(RATE), noise(RATE, 2)))
    for start in range(0, RATE, RATE // 4):
        sink.write(block(*sound[:, start : start + RATE // 4]))
        sink.flush()
        with wave.open(str(path)) as file:  # as after a SIGKILL
            assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, RATE, 2)
            assert file.getnframes() == start + RATE // 4
    sink.close()
    assert path.stat().st_size == sink.size() == 44 + 4 * RATE
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(RATE), "<i2").reshape(-1, 2).T
    assert np.array_equal(samples, sound)


def test_a_disk_that_is_full() -> None:
    file = open("/dev/null", "w+b", buffering=0)
    sink = WavSink(file)
    file.close()
    sink._file = open("/dev/full", "w+b", buffering=0)
    with pytest.raises(OSError, match="No space left"):
        sink.write(block(*np.ones((2, 100), np.int16)))
    with pytest.raises(OSError, match="No space left"):
        sink.close()
