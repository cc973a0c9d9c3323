"""How soon a reply falls silent when somebody speaks over it: `python -m benchmarks.barge_in`.

Real voices interrupt long replies over WebRTC, a WebSocket and the telephone, with and without
`interruptions`. Prints the time from the onset of the speech to silence, as the caller hears it.
The exit status is 1 if one with `interruptions` has a mean over 0.30 s, or a reply went on. For a
quiet machine: all of it is in real time, 20 s for each row. The workload `turns` has the same for
FastRTC 0.0.34 over WebRTC; over its other transports nothing that was sent can be stopped.

    python -m benchmarks.barge_in --times 7 --only websocket
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np

from benchmarks.client.media import AUDIO_RATE
from benchmarks.client.voices import turns
from fastrtc import Interruptions, ReplyOnPause, Stream
from fastrtc.testing import Call

Over = Literal["webrtc", "websocket", "twilio"]
#: The aim for a reply that is paused at the onset.
AIM_S = 0.30
#: How long a reply is heard before somebody speaks.
HEARD_S = 2.0
#: A reply that goes on for longer was not interrupted.
MISSED_S = 3.0
#: Such speech is long enough for `interruptions` to confirm it.
MIN_SPEECH_S = 1.2
NOISE_DB = -70.0
RATE = 24_000


def story(audio: Any) -> Iterator[Any]:
    """A tone of 30 s."""
    phase = np.arange(RATE // 10) * (440 / RATE)
    for _ in range(300):
        yield RATE, (8000 * np.sin(2 * np.pi * phase)).astype(np.int16)


def stream(interruptions: Interruptions | None) -> Stream:
    """Serves the story."""
    return Stream(
        ReplyOnPause(story, interruptions=interruptions),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration={"iceServers": []},
    )


async def interrupt(called: Stream, over: Over, sounds: list[np.ndarray]) -> list[float]:
    """How long each reply went on, in seconds: all but the last are interrupted."""
    async with Call(called, over, noise_db=NOISE_DB) as call:
        await call.say((AUDIO_RATE, sounds[0]))
        for sound in sounds[1:]:
            reply = await call.reply()
            await call.say((AUDIO_RATE, sound), at=reply.starts_s + HEARD_S)
        await call.reply()
    return [turn.stopped_after_s for turn in call.turns[:-1]]


def row(name: str, over: str, stopped: list[float]) -> bool:
    """Prints a row; returns whether it has reached the aim."""
    heard = [seconds for seconds in stopped if seconds < MISSED_S]
    missed = len(stopped) - len(heard)
    mean = float(np.mean(heard)) if heard else math.inf
    figures = [mean, float(np.percentile(heard, 95)), max(heard)] if heard else [math.inf] * 3
    print(f"| {name} | {over} | " + " | ".join(f"{s:.2f}" for s in figures) + f" | {missed} |")
    return mean <= AIM_S and not missed


async def main(arguments: argparse.Namespace) -> int:
    """Prints the table; returns the exit status."""
    sounds = [sound for sound in turns() if sound.size > MIN_SPEECH_S * AUDIO_RATE]
    sounds = sounds[: arguments.times + 1]
    overs = [over for over in get_args(Over) if arguments.only in (None, over)]
    print("| | over | mean, s | p95, s | worst, s | went on |\n|---|---|---|---|---|---|")
    reached = True
    for over in overs:
        row("default", over, await interrupt(stream(None), over, sounds))
        stopped = await interrupt(stream(Interruptions()), over, sounds)
        reached = row("`interruptions`", over, stopped) and reached
    return int(not reached)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="interruptions for each row")
    parser.add_argument("--only", choices=get_args(Over), help="one transport")
    raise SystemExit(asyncio.run(main(parser.parse_args())))
