"""Time from the offer to the connection, and to the first sound that comes back (row 16)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from statistics import median

from benchmarks.client.media import AudioTrack, encode_opus, speech_like
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

CONNECTS = 10
MEDIA_LIMIT = 10.0


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Medians over some connects, one after the other; the first one is not counted."""
    decode_nothing()
    packets = encode_opus(speech_like())
    answered, connected, media = [], [], []
    for _ in range(CONNECTS + 1):
        peer = Peer(server, AudioTrack(packets))
        began = time.monotonic()
        timings = await peer.connect()
        gathering = time.monotonic() - began - timings.connected
        await asyncio.wait_for(peer.audible.wait(), MEDIA_LIMIT)
        media.append(time.monotonic() - began - gathering)
        answered.append(timings.answered)
        connected.append(timings.connected)
        await peer.close()
        # The end of a session is not to be measured with the beginning of the next.
        await server.until(lambda state: not state["peers"], limit=0.5, every=0.1)
    return {
        "answer": 1000 * median(answered[1:]),
        "connected": 1000 * median(connected[1:]),
        "media": 1000 * median(media[1:]),
    }


WORKLOAD = Workload(
    name="connect",
    summary=f"offer to answer, to connected, to first sound back; median of {CONNECTS}",
    cases=(Case("async echo", "echo-async", baseline="return", goals={"connected": Goal(60)}),),
    metrics=(
        Metric("answer", "ms", 0, row=16),
        Metric("connected", "ms", 0, row=16),
        Metric("media", "ms", 0),
    ),
    client=measure,
)
