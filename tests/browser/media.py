"""What the fake devices show and say, and how it is recognised when it comes back."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support.speech import speech, write_wav

__all__ = [
    "BLOCK",
    "RATE",
    "Word",
    "align",
    "envelope",
    "notes",
    "share_in_order",
    "speech_file",
    "write_camera",
]

RATE = 48_000
BLOCK = 0.01  # s that one value of an envelope stands for
WORDS = ("Monday", "butter", "ten", "computer", "go")
# Unequal on purpose, so that the words fit in one place only. Seconds after each word.
PAUSES = (0.5, 0.9, 0.6, 0.45, 0.5)
LEAD = 1.5  # s of silence first: the connection is there before the first word

Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Word:
    """A word that the fake microphone hears, with a little silence around it.

    Attributes:
        text: What is said.
        begin: When, in seconds from the beginning of the file.
        levels: Its envelope.
    """

    text: str
    begin: float
    levels: NDArray[np.float64]


def speech_file(path: Path) -> tuple[list[Word], float]:
    """Write the file for the fake microphone; return its words, and its length in seconds."""
    margin = int(0.1 * RATE)
    parts, words = [np.zeros(int(LEAD * RATE), np.int16)], []
    for text, pause in zip(WORDS, PAUSES, strict=True):
        spoken = speech(text, RATE)
        loud = np.flatnonzero(np.abs(spoken.astype(np.int32)) > 300)
        spoken = spoken[loud[0] : loud[-1]]
        begin = sum(map(len, parts)) - margin
        words.append(Word(text, begin / RATE, envelope(np.pad(spoken, margin))))
        parts += [spoken, np.zeros(int(pause * RATE), np.int16)]
    samples = np.concatenate(parts)
    write_wav(path, RATE, samples)
    return words, len(samples) / RATE


def write_camera(path: Path, width: int = 320, height: int = 240, frames: int = 30) -> None:
    """Write the file for the fake camera: red above, blue below, a white square that moves right.

    YUV4MPEG2, 4:2:0, 30 frames a second.
    """
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420mpeg2\n".encode())
        for number in range(frames):
            luma = np.full((height, width), 81, np.uint8)
            blue = np.full((height // 2, width // 2), 90, np.uint8)
            red = np.full((height // 2, width // 2), 240, np.uint8)
            luma[height // 2 :], blue[height // 4 :], red[height // 4 :] = 41, 240, 110
            left = number * (width - 32) // frames // 2 * 2
            luma[height // 2 - 16 : height // 2 + 16, left : left + 32] = 235
            middle = slice(height // 4 - 8, height // 4 + 8), slice(left // 2, left // 2 + 16)
            blue[middle] = red[middle] = 128
            file.write(b"FRAME\n" + luma.tobytes() + blue.tobytes() + red.tobytes())


def envelope(samples: NDArray[np.generic]) -> NDArray[np.float64]:
    """The loudness of each block of 10 ms, from 0 (-60 dB or less) to 1 (full scale)."""
    size = int(RATE * BLOCK)
    blocks = np.asarray(samples, np.float64)[: len(samples) // size * size].reshape(-1, size)
    power = np.mean((blocks / 32768) ** 2, axis=1)
    return np.clip(10 * np.log10(power + 1e-12), -60, 0) / 60 + 1


def align(pattern: NDArray[np.float64], heard: NDArray[np.float64]) -> tuple[float, float]:
    """Find a pattern in what was heard.

    Returns:
        When it begins there, in seconds, and how alike the two are there (1 is equal).
    """
    length = min(len(pattern), len(heard))
    wanted = pattern[:length] - pattern[:length].mean()
    best = (0.0, -1.0)
    for begin in range(len(heard) - length + 1):
        part = heard[begin : begin + length] - heard[begin : begin + length].mean()
        scale = np.linalg.norm(part) * np.linalg.norm(wanted)
        score = float(wanted @ part / scale) if scale else 0.0
        best = max(best, (begin * BLOCK, score), key=lambda one: one[1])
    return best


def notes(samples: Samples, base: float) -> list[int]:
    """The notes that are heard one after another, in semitones above `base` (Hz).

    What is the same for two looks, 50 ms apart, is a note.
    """
    size, hop = int(0.1 * RATE), int(0.05 * RATE)
    seen: list[int | None] = []
    for begin in range(0, len(samples) - size, hop):
        part = samples[begin : begin + size] * np.hanning(size)
        spectrum = np.abs(np.fft.rfft(part, 1 << 16))
        pitch = spectrum[50:].argmax() + 50
        loud = spectrum[pitch] > 200 * size / 4
        seen.append(round(12 * np.log2(pitch * RATE / (1 << 16) / base)) if loud else None)
    result: list[int] = []
    for one, other in itertools.pairwise(seen):
        if one is not None and one == other and result[-1:] != [one]:
            result.append(one)
    return result


def share_in_order(expected: Sequence[int], heard: Sequence[int]) -> float:
    """How much of what is expected is heard in this order, whatever else is heard (0 to 1)."""
    matcher = [[0] * (len(heard) + 1) for _ in range(len(expected) + 1)]
    for i, one in enumerate(expected):
        for j, other in enumerate(heard):
            longer = max(matcher[i][j + 1], matcher[i + 1][j])
            matcher[i + 1][j + 1] = matcher[i][j] + 1 if one == other else longer
    return matcher[-1][-1] / len(expected)
