"""How exact the records of turns are: `python -m benchmarks.turn_records`.

A caller speaks and listens over each transport. Prints how far the silence in the records
(`Turn.silence_s`) is from that in the caller's own recording. The exit status is 1 if one of them
is off by more than 0.03 s. For a quiet machine: all but memory is in real time, 4 s for each turn.

    python -m benchmarks.turn_records --turns 10 --only twilio
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np

from benchmarks.client.media import AUDIO_RATE
from benchmarks.client.voices import turns as voices
from fastrtc import ReplyOnPause, Stream, Turn
from fastrtc.testing import Call

Over = Literal["memory", "webrtc", "websocket", "twilio"]
#: The most that a record may be off, in seconds.
AIM_S = 0.03
#: Turns of one call.
BATCH = 10
RATE = 24_000


def beep(audio: Any) -> Iterator[Any]:
    """A tone of 0.3 s."""
    phase = np.arange(round(0.3 * RATE)) * (440 / RATE)
    yield RATE, (8000 * np.sin(2 * np.pi * phase)).astype(np.int16)


async def differences(over: Over, count: int, sounds: list[np.ndarray]) -> list[float]:
    """How far the silence of each record is from that of the caller, in seconds."""
    found: list[float] = []
    while len(found) < count:
        records: list[Turn] = []
        stream = Stream(
            ReplyOnPause(beep),
            modality="audio",
            mode="send-receive",
            server_rtc_configuration={"iceServers": []},
            on_turn=records.append,
        )
        async with Call(stream, over) as call:
            await call.wait(1.0)
            for k in range(min(BATCH, count - len(found))):
                await call.say((AUDIO_RATE, sounds[k % len(sounds)]))
                await call.finish()
        by_end = {round(turn.ends_s, 1): turn for turn in call.turns}
        ends = np.array([*by_end])
        origin = min(by_end) - min(r.speech_ended_s for r in records if r.speech_ended_s)
        for record in records:
            if record.silence_s is not None and record.speech_ended_s is not None:
                nearest = ends[np.argmin(np.abs(ends - record.speech_ended_s - origin))]
                found.append(record.silence_s - by_end[nearest].latency_s)
    return found


def main() -> int:
    """Measure, and print a line for each transport."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--only", choices=get_args(Over))
    args = parser.parse_args()
    sounds = voices()[:BATCH]
    good = True
    for over in [args.only] if args.only else get_args(Over):
        off = np.array(asyncio.run(differences(over, args.turns, sounds))) * 1000
        good = good and bool(np.abs(off).max() <= AIM_S * 1000)
        print(
            f"{over}: {off.size} turns, off by {off.mean():.1f} ms on average, "
            f"{off.min():.1f} to {off.max():.1f} ms, {np.abs(off).mean():.1f} ms in size"
        )
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
