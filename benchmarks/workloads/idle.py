"""What a session costs whose handler has nothing to say (row 1)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from benchmarks.client.media import AudioTrack, encode_opus, room_noise, silence, speech_like
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

WARM_UP = 1.5
WINDOW = 6.0


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Server CPU and calls of `emit` over a window of one session."""
    decode_nothing()
    sound = SOUNDS[int(options["sound"])]()
    peer = Peer(server, AudioTrack(encode_opus(sound)))
    await peer.connect()
    await asyncio.sleep(WARM_UP)
    before, began = await server.calls(), time.monotonic()
    usage = await server.observe(WINDOW)
    after, ended = await server.calls(), time.monotonic()
    sample = {"server": usage.cores}
    if "emit" in after:
        # One call more than intervals.
        calls = max(0, after["emit"] - before.get("emit", 0) - 1)
        sample["emit"] = calls / (ended - began)
    await peer.close()
    return sample


_GOALS = {"server": Goal(times_aiortc=1.2), "emit": Goal(50)}

#: What the client sends: a muted microphone, a quiet room, a voice.
SOUNDS = (silence, room_noise, speech_like)
_MUTED, _NOISE, _VOICE = ({"sound": number} for number in range(3))


def _listening(what: str, sound: Mapping[str, float]) -> Case:
    goals = {"server": _GOALS["server"]}
    return Case(f"ReplyOnPause, {what}", "silent-replies", "consume", sound, goals)


WORKLOAD = Workload(
    name="idle",
    summary="server CPU of one silent session while a client talks or not; calls of emit()",
    cases=(
        Case("sync, None at once", "idle-sync", "consume", _VOICE, _GOALS),
        Case("async, None at once", "idle-async", "consume", _VOICE, _GOALS, rounds=1),
        Case("async, waiting on a queue", "idle-waiting", "consume", _VOICE, _GOALS, long=True),
        _listening("microphone muted", _MUTED),
        _listening("nobody speaks", _NOISE),
        _listening("somebody speaks on and on", _VOICE),
    ),
    metrics=(Metric("server", "cores", 4, row=1), Metric("emit", "calls/s", 0, row=1)),
    client=measure,
)
