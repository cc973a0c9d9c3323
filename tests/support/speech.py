"""Speech for the tests: spoken by espeak-ng, or recorded by people for Asterisk."""

import hashlib
import os
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastrtc.audio.resample import StreamResampler
from tests.support.programs import require_program

__all__ = ["read_wav", "recorded_prompt", "speech", "write_wav"]

Samples = NDArray[np.int16]

CACHE_VERSION = 1  # raise it when the same arguments give other samples


def speech(text: str, rate: int = 48_000, voice: str = "en-us") -> Samples:
    """Let espeak-ng say `text`; the test is left out where the program is missing.

    Args:
        text: What to say.
        rate: Samples per second (Hz) of the result.
        voice: A voice of `espeak-ng --voices`, variants as in `en-us+f3`.

    Returns:
        Mono samples, shape `(n,)`, with the pause that espeak-ng leaves at the end.
    """
    program = require_program("espeak-ng")
    key = hashlib.sha256(repr((CACHE_VERSION, text, rate, voice)).encode()).hexdigest()[:24]
    cached = _cache_folder() / f"{key}.wav"
    if not cached.exists():
        # Workers of one run may say the same thing at the same time: the last rename wins.
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            spoken = Path(folder, "spoken.wav")
            subprocess.run(
                [program, "-v", voice, "-w", spoken, "--", text],
                check=True,
                capture_output=True,
                timeout=30,
            )
            own_rate, samples = read_wav(spoken)
            made = Path(folder, "made.wav")
            write_wav(made, rate, _resampled(samples, own_rate, rate))
            made.replace(cached)
    return read_wav(cached)[1]


def recorded_prompt(name: str, rate: int = 48_000) -> Samples:
    """One of the prompts that people recorded for Asterisk, such as `vm-goodbye` or `digits/4`.

    Args:
        name: Path below the folder of sounds, without `.wav`.
        rate: Samples per second (Hz) of the result; the recordings have 8,000.

    Returns:
        Mono samples, shape `(n,)`.
    """
    own_rate, samples = read_wav(require_program("recorded-voices") / f"{name}.wav")
    return _resampled(samples, own_rate, rate)


def write_wav(path: str | Path, rate: int, samples: Samples) -> Path:
    """Write 16-bit samples, mono `(n,)` or with channels last `(n, channels)`; return the path."""
    if samples.dtype != np.int16:
        raise TypeError(f"samples must be int16, not {samples.dtype}")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return Path(path)


def read_wav(path: str | Path) -> tuple[int, Samples]:
    """The rate (Hz) and the 16-bit samples of a file, in the shapes that `write_wav` takes."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path} has {8 * file.getsampwidth()}-bit samples, not 16-bit")
        data = file.readframes(file.getnframes())
        rate, channels = file.getframerate(), file.getnchannels()
    samples = np.frombuffer(data, dtype="<i2").astype(np.int16)
    return rate, samples if channels == 1 else samples.reshape(-1, channels)


def _resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    resampler = StreamResampler(rate, wanted)
    planar = samples[np.newaxis]
    return np.concatenate((resampler.process(planar), resampler.flush()), axis=1)[0]


def _cache_folder() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.getlogin()
    folder = Path(tempfile.gettempdir(), f"fastrtc-tests-speech-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
