"""Speech for the tests, synthesized by espeak-ng or recorded, and sounds that are not speech."""

import hashlib
import os
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from fastrtc.audio.resample import StreamResampler
from tests.support.programs import REQUIRE_ALL, require_program

__all__ = [
    "NOISES",
    "Found",
    "assert_whole",
    "find_in",
    "read_wav",
    "recorded_channel",
    "recorded_prompt",
    "spaced",
    "speech",
    "trimmed",
    "write_wav",
]

Samples = NDArray[np.int16]

CHANNELS = Path("/usr/share/sounds/alsa")
CACHE_VERSION = 1  # increase it if the same arguments produce other samples


def speech(text: str, rate: int = 48_000, voice: str = "en-us") -> Samples:
    """Synthesize `text` with espeak-ng; skip the test if the program is missing.

    Args:
        text: The text to speak.
        rate: Sample rate of the result, in Hz.
        voice: A voice of `espeak-ng --voices`, with variants as in `en-us+f3`.

    Returns:
        Mono samples, shape `(n,)`, with the pause that espeak-ng adds at the end.
    """
    program = require_program("espeak-ng")
    key = hashlib.sha256(repr((CACHE_VERSION, text, rate, voice)).encode()).hexdigest()[:24]
    cached = _cache_folder() / f"{key}.wav"
    if not cached.exists():
        # Workers may synthesize the same text at the same time: the last rename wins.
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
    """Return a prompt recorded for Asterisk, such as `vm-goodbye` or `digits/4`.

    Args:
        name: Path below the folder of sounds, without `.wav`.
        rate: Sample rate of the result, in Hz; the recordings have 8,000.

    Returns:
        Mono samples, shape `(n,)`.
    """
    own_rate, samples = read_wav(require_program("recorded-voices") / f"{name}.wav")
    return _resampled(samples, own_rate, rate)


def recorded_channel(name: str, rate: int = 48_000) -> Samples:
    """Return the spoken name of a loudspeaker, such as `Front_Center`, from alsa-utils.

    Args:
        name: A file below `/usr/share/sounds/alsa`, without `.wav`.
        rate: Sample rate of the result, in Hz; the recordings have 48,000.

    Returns:
        Mono samples, shape `(n,)`.
    """
    path = CHANNELS / f"{name}.wav"
    if not path.exists() and os.environ.get(REQUIRE_ALL) != "1":
        pytest.skip(f"there is no {path} (install: apt-get install alsa-utils)")
    own_rate, samples = read_wav(path)
    return _resampled(samples, own_rate, rate)


def trimmed(samples: Samples, rate: int = 48_000) -> Samples:
    """Trim both ends 40 dB below the loudest 10 ms, which is not audible as speech."""
    size = rate // 100
    frames = samples[: samples.size // size * size].reshape(-1, size).astype(np.float64)
    loudness = np.sqrt(np.mean(frames**2, axis=1))
    (loud,) = np.nonzero(loudness > loudness.max() / 100)
    return samples[loud[0] * size : (loud[-1] + 1) * size]


def spaced(*parts: float | Samples, rate: int = 48_000) -> Samples:
    """Concatenate sounds; a number is silence of that duration in seconds."""
    return np.concatenate(
        [p if isinstance(p, np.ndarray) else np.zeros(round(p * rate), np.int16) for p in parts]
    )


class Found(NamedTuple):
    """The position of a sound in another, in samples, and their similarity (1 is equal)."""

    at: int
    likeness: float


def find_in(heard: Samples, part: Samples) -> Found:
    """Find a sound in received audio by its waveform: loudness and codecs hardly matter.

    Args:
        heard: Shape `(n,)`.
        part: Shape `(m,)`; a part longer than `heard` is not found.
    """
    if part.size > heard.size:
        return Found(0, 0.0)
    size = 1 << (heard.size + part.size).bit_length()
    long, short = heard.astype(np.float64), part.astype(np.float64)
    spectrum = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    common = np.fft.irfft(spectrum, size)[: heard.size - part.size + 1]
    power = np.concatenate(([0.0], np.cumsum(long**2)))
    energy = power[part.size :] - power[: heard.size - part.size + 1]
    silent = 10.0**2 * part.size  # silence is similar to nothing
    likeness = common / np.sqrt((energy + silent) * np.sum(short**2))
    at = int(np.argmax(likeness))
    return Found(at, float(likeness[at]))


def assert_whole(heard: Samples, spoken: Samples, rate: int = 48_000) -> None:
    """Fail unless the received audio contains each 100 ms of the speech, and little else.

    Within the speech only loud audio is compared; at both ends everything is.
    """
    edge, slack = rate // 10, rate // 1000  # Opus shifts low tones by up to a millisecond
    at, likeness = find_in(heard, spoken)
    assert likeness > 0.85, "it is something else"
    for begin in (*range(0, spoken.size - edge, edge), spoken.size - edge):
        part = spoken[begin : begin + edge]
        at_an_end = begin in (0, spoken.size - edge)
        if at_an_end or _loudness(part) > _loudness(spoken) / 4:
            around = heard[max(0, at + begin - slack) : at + begin + edge + slack]
            reason = f"what it has {begin / rate:.1f} s after its beginning is missing"
            assert find_in(around, part).likeness > 0.7, reason
    assert heard.size < spoken.size + rate, "more than a little silence is around it"


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
    """Return the rate (Hz) and the 16-bit samples of a file, in the shapes of `write_wav`."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path} has {8 * file.getsampwidth()}-bit samples, not 16-bit")
        data = file.readframes(file.getnframes())
        rate, channels = file.getframerate(), file.getnchannels()
    samples = np.frombuffer(data, dtype="<i2").astype(np.int16)
    return rate, samples if channels == 1 else samples.reshape(-1, channels)


def _loudness(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def _resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    resampler = StreamResampler(rate, wanted)
    planar = samples[np.newaxis]
    return np.concatenate((resampler.process(planar), resampler.flush()), axis=1)[0]


def _cache_folder() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.getlogin()
    folder = Path(tempfile.gettempdir(), f"fastrtc-tests-speech-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


# Noises in rooms that are not speech. All are mono, at 48 kHz, shape (n,).


def _white(seconds: float) -> Samples:
    return _at_level(np.random.default_rng(1).standard_normal(round(48_000 * seconds)), 2_000)


def _pink(seconds: float) -> Samples:
    count = round(48_000 * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    return _at_level(np.fft.irfft(spectrum, count), 2_000)


def _music(seconds: float) -> Samples:
    """Return a plucked melody over chords, two notes per second and one chord every two seconds."""
    made = np.zeros(round(48_000 * seconds))
    melody = [72, 76, 79, 76, 77, 81, 79, 74]
    chords = [(48, 55, 64), (53, 57, 65), (55, 59, 67), (48, 55, 64)]
    notes = [(k * 0.5, melody[k % 8], 0.9, 1.0) for k in range(int(seconds * 2))]
    notes += [(k * 2.0, note, 2.2, 0.5) for k in range(int(seconds / 2)) for note in chords[k % 4]]
    for begin, note, length, strength in notes:
        time = np.arange(round(48_000 * min(length, seconds - begin))) / 48_000
        hertz = 440 * 2 ** ((note - 69) / 12)
        envelope = np.minimum(1, time / 0.008) * np.exp(-3 * time / length)
        tone = sum(np.sin(2 * np.pi * hertz * k * time) / k**2 for k in range(1, 7))
        first = round(48_000 * begin)
        made[first : first + time.size] += strength * envelope * tone
    return _at_level(made, 2_500)


def _door_slam(seconds: float) -> Samples:
    """Return a sharp crack with the low, decaying boom of a door, twice."""
    time = np.arange(round(48_000 * seconds / 2)) / 48_000
    noise = np.random.default_rng(3).standard_normal(time.size)
    rumble = np.convolve(noise, np.ones(240) / 240, "same")  # below about 100 Hz
    boom = sum(np.sin(2 * np.pi * hertz * time) for hertz in (58, 83, 127))
    slam = 0.9 * noise * np.exp(-time / 0.006) + (0.5 * boom + 6 * rumble) * np.exp(-time / 0.12)
    return np.tile((slam / np.abs(slam).max() * 26_000).astype(np.int16), 2)


def _keyboard(seconds: float) -> Samples:
    """Return about eight key presses per second, each with a click and a softer release."""
    random = np.random.default_rng(4)
    made = np.zeros(round(48_000 * seconds))
    time = np.arange(1_920) / 48_000
    for begin in np.cumsum(random.uniform(0.07, 0.18, int(seconds * 8))):
        for later, strength in ((0.0, 1.0), (0.06, 0.4)):
            first = round(48_000 * (begin + later))
            if first + time.size <= made.size:
                ring = np.sin(2 * np.pi * random.uniform(1_800, 3_500) * time)
                click = (random.standard_normal(time.size) + ring) * np.exp(-time / 0.003)
                made[first : first + time.size] += strength * click
    return (made / np.abs(made).max() * 12_000).astype(np.int16)


def _at_level(samples: NDArray[np.float64], level: float) -> Samples:
    scaled = samples / np.sqrt(np.mean(samples**2)) * level
    return np.clip(scaled, -32_768, 32_767).astype(np.int16)


NOISES = {
    "white noise": _white,
    "pink noise": _pink,
    "music": _music,
    "door slam": _door_slam,
    "keyboard": _keyboard,
    "silence": lambda seconds: np.zeros(round(48_000 * seconds), np.int16),
}
"""Functions that generate each noise for a duration in seconds."""
