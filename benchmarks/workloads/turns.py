"""A conversation: how soon a reply is heard, and how soon it stops (rows 10 and 13)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import numpy as np

from benchmarks.client.listening import Ear, sent
from benchmarks.client.media import AUDIO_RATE, AudioTrack, encode_opus
from benchmarks.client.peer import Peer
from benchmarks.client.server import Server
from benchmarks.client.voices import Script, turns, with_pauses
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload
from tests.support.speech import find_in

#: Until the models are warm and the connection is quiet, in seconds.
LEAD = 2.0
#: Longer than any reply takes to come and go.
PAUSE = 2.2
#: Of `turns()`, which are mixed already.
SHORT_CONVERSATION, WHOLE_CONVERSATION = 10, 20
#: How long a reply is heard before somebody interrupts it.
HEARD = 2.5
FEW_INTERRUPTIONS, INTERRUPTIONS = 3, 7
#: A piece of speech that is looked for in what the reply function got, in samples.
PIECE = int(0.3 * AUDIO_RATE)
STEP = AUDIO_RATE // 100
ALIKE = 0.6


async def _talk(server: Server, script: Script) -> tuple[Ear, list[float]]:
    """Says all of it; gives what was heard and when the packets left."""
    packets = encode_opus(script.sound)
    track, ear = AudioTrack(packets, most=len(packets)), Ear()
    peer = Peer(server, track)
    await peer.connect()
    assert peer.remote is not None
    listening = asyncio.create_task(ear.listen(peer.remote))
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(listening), script.sound.size / AUDIO_RATE + 0.5)
    listening.cancel()
    await peer.close()
    return ear, track.times


def _clipped(sound: np.ndarray, heard: list[np.ndarray]) -> float:
    """How much of the beginning of a sound is in no utterance, in seconds; inf if all of it."""
    for start in range(0, sound.size - PIECE, STEP):
        piece = sound[start : start + PIECE]
        if np.abs(piece).max() < 500:
            continue
        found = [find_in(utterance, piece) for utterance in heard]
        if found and max(part.likeness for part in found) > ALIKE:
            at = max(found, key=lambda part: part.likeness).at
            return max(0, start - at) / AUDIO_RATE
    return float("inf")


async def _replies(server: Server, count: int) -> Sample:
    sounds = turns()[:count]
    script = with_pauses(sounds, LEAD, PAUSE)
    ear, times = await _talk(server, script)
    onsets = ear.onsets()
    delays, cut_in, unanswered = [], 0, 0
    for begin, end in script.spoken:
        began, ended = sent(times, begin), sent(times, end)
        if any(began < onset < ended for onset in onsets):
            cut_in += 1
        after = [onset - ended for onset in onsets if 0 <= onset - ended < PAUSE]
        if after:
            delays.append(after[0])
        else:
            unanswered += 1
    heard = [samples for _, samples in await server.utterances()]
    clipped = [_clipped(sound, heard) for sound in sounds if sound.size > 2 * PIECE]
    return {
        "mean": 1000 * float(np.mean(delays)),
        "p95": 1000 * float(np.percentile(delays, 95)),
        "cut in": float(cut_in),
        "unanswered": float(unanswered),
        "clipped": 1000 * float(max(clipped)),
    }


async def _interruptions(server: Server, count: int) -> Sample:
    sounds = [sound for sound in turns() if sound.size > 1.5 * AUDIO_RATE][: count + 1]
    script = with_pauses(sounds, LEAD, HEARD)
    ear, times = await _talk(server, script)
    delays, went_on = [], 0
    for begin, _ in script.spoken[1:]:
        began = sent(times, begin)
        end = ear.silent_from(began)
        if end == began:  # no reply was to be heard
            went_on += 1
            continue
        delays.append(end - began)
    return {
        "stopped, mean": 1000 * float(np.mean(delays)),
        "stopped, worst": 1000 * float(np.max(delays)),
        "missed": float(went_on),
    }


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Replies, or interruptions, of one conversation."""
    if "interruptions" in options:
        return await _interruptions(server, int(options["interruptions"]))
    return await _replies(server, int(options["turns"]))


_REPLY_GOALS = {
    "mean": Goal(680, times_reference=0.91),
    "p95": Goal(780, times_reference=0.81),
    "cut in": Goal(2),
    "unanswered": Goal(0),
    "clipped": Goal(0),
}
_INTERRUPTION_GOALS = {"stopped, mean": Goal(450), "missed": Goal(0)}
_PAUSING_GOALS = {"stopped, mean": Goal(300), "missed": Goal(0)}


def _replies_case(count: int, long: bool) -> Case:
    name, options = f"reply after a pause, {count} turns", {"turns": count}
    return Case(name, "short-replies", None, options, _REPLY_GOALS, rounds=1, long=long)


def _interruptions_case(count: int, long: bool) -> Case:
    name, options = f"interruption, {count} times", {"interruptions": count}
    return Case(name, "long-replies", None, options, _INTERRUPTION_GOALS, rounds=1, long=long)


def _pausing_case(count: int, long: bool) -> Case:
    name, options = f"interruption with a pause, {count} times", {"interruptions": count}
    goals = _PAUSING_GOALS
    return Case(name, "pausing-replies", None, options, goals, rounds=1, long=long, only_ours=True)


WORKLOAD = Workload(
    name="turns",
    summary="real speech: end of a turn to the first reply audio heard; onset to silence heard",
    cases=(
        _replies_case(SHORT_CONVERSATION, long=False),
        _replies_case(WHOLE_CONVERSATION, long=True),
        _interruptions_case(FEW_INTERRUPTIONS, long=False),
        _interruptions_case(INTERRUPTIONS, long=True),
        _pausing_case(FEW_INTERRUPTIONS, long=False),
        _pausing_case(INTERRUPTIONS, long=True),
    ),
    metrics=(
        Metric("mean", "ms", 0, row=13),
        Metric("p95", "ms", 0, row=13),
        Metric("cut in", "turns", 0, ratio=False, row=13),
        Metric("unanswered", "turns", 0, ratio=False, row=13),
        Metric("clipped", "ms", 0, ratio=False, row=13),
        Metric("stopped, mean", "ms", 0, row=10),
        Metric("stopped, worst", "ms", 0, row=10),
        Metric("missed", "times", 0, ratio=False, row=10),
    ),
    client=measure,
    limit=240.0,
)
