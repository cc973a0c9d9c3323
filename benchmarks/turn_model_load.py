"""What a turn model costs with many sessions: `python -m benchmarks.turn_model_load`.

Fifty handlers in one process get a recording in real time, in frames of 20 ms, each at another
place of it: with `SmartTurn` and without. Prints the CPU time of the process, and how long
judgements took, as seen by the handlers. There is no network. For a quiet machine.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.quiet import QUIET, Watch
from fastrtc import ReplyOnPause, SmartTurn
from fastrtc.hub import find_packaged_file
from fastrtc.turns.suspicion import DEADLINE_S
from fastrtc.turns.turn_judge import Judgement, TurnJudge
from tests.support.speech import read_wav

FRAME_S = 0.02


class Watched(TurnJudge):
    """Remembers when it was asked, and how long each judgement took."""

    def __init__(self, model: SmartTurn) -> None:
        super().__init__(model)
        self.model = model
        self.took_s: list[float] = []
        self.late = 0
        self._open: list[tuple[float, Judgement]] = []

    def ask(self, audio_16k: np.ndarray) -> Judgement:
        """Let the model judge a pause."""
        judgement = super().ask(audio_16k)
        self._open.append((time.monotonic(), judgement))
        return judgement

    def look(self) -> None:
        """Note what is there by now."""
        now = time.monotonic()
        for asked in [asked for asked in self._open if asked[1].done]:
            self._open.remove(asked)
            if not asked[1].abandoned:
                self.took_s.append(now - asked[0])
        for asked in [asked for asked in self._open if now - asked[0] > DEADLINE_S]:
            self._open.remove(asked)
            self.late += not asked[1].abandoned or asked[1].probability is None


def run(samples: np.ndarray, rate: int, sessions: int, seconds: float, judge: Any) -> float:
    """Feed the handlers, and return the CPU time of the process per second of audio."""
    size = round(FRAME_S * rate)
    with patch("fastrtc.reply_on_pause.TurnJudge", lambda _: judge):
        first = ReplyOnPause(
            lambda audio: iter(()), input_sample_rate=rate, turn_model=judge and judge.model
        )
    handlers = [first.copy() for _ in range(sessions)]
    frames = [samples[k : k + size][np.newaxis] for k in range(0, samples.size - size, size)]
    places = [k * len(frames) // sessions for k in range(sessions)]
    began, used = time.monotonic(), time.process_time()
    for tick in range(round(seconds / FRAME_S)):
        for k, handler in enumerate(handlers):
            handler.receive((rate, frames[(places[k] + tick) % len(frames)]))
            if handler.event.is_set():
                handler.emit()
                handler.reset()
        if judge is not None:
            judge.look()
        time.sleep(max(0.0, began + (tick + 1) * FRAME_S - time.monotonic()))
    return (time.process_time() - used) / seconds


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=Path, help="folder with two_cities.wav")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    packaged = find_packaged_file("moonshine_voice", "assets/two_cities.wav")
    folder = given.recordings or (packaged and packaged.parent)
    if folder is None:
        parser.error("pip download --no-deps moonshine-voice==0.1.5, and name its folder of assets")
    rate, samples = read_wav(folder / "two_cities.wav")
    model = SmartTurn()
    judge = Watched(model)
    watch = Watch()
    plain = run(samples, rate, given.sessions, given.seconds, None)
    with_model = run(samples, rate, given.sessions, given.seconds, judge)
    took = np.array(judge.took_s)
    print(f"{given.sessions} sessions, {given.seconds:g} s each way, {took.size} pauses judged")
    print(f"cores per session: {plain / given.sessions:.4f} without, ", end="")
    print(f"{with_model / given.sessions:.4f} with the model")
    print(f"judgement: mean {took.mean():.3f} s, p99 {np.percentile(took, 99):.3f} s, ", end="")
    print(f"longest {took.max():.3f} s, {judge.late} later than {DEADLINE_S:g} s")
    others = watch.others()
    print(f"other processes took {others:.2f} cores{'' if others < QUIET else ': disturbed'}")


if __name__ == "__main__":
    main()
