"""The echo over a WebSocket: how late it is, whether that grows, what it costs, how it sounds.

Once a second a piece of 20 ms is loud. The delay runs from sending it to the message that brings
the loud sound back; nothing is lost over TCP, so the n-th that comes is the n-th that was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np

from benchmarks.client.server import Server
from benchmarks.client.socket import FRAME, RATE, SocketClient, written
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload

LOUD = 4000
SETTLE = 2.0
SINE_SECONDS = 3


def _script(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(3)
    sound = rng.normal(0, 100, int(seconds * RATE))
    for place in range(RATE // 2, sound.size - FRAME, RATE):
        place -= place % FRAME
        sound[place : place + FRAME] = rng.normal(0, 8000, FRAME)
    return np.clip(sound, -30_000, 30_000).astype(np.int16)


def _loud_moments(pieces: list[tuple[float, np.ndarray]]) -> list[float]:
    """When each loud piece began to be there; the next is a second later, so 0.5 s are one."""
    moments: list[float] = []
    position = last = -RATE
    for moment, samples in pieces:
        position += samples.size
        if samples.size and np.abs(samples.astype(int)).max() > LOUD:
            if position - last > RATE // 2:
                moments.append(moment)
            last = position
    return moments


async def measure(server: Server, options: Mapping[str, float]) -> Sample:
    """Delays and cost of some sessions at a time."""
    sound = written(_script(options["seconds"]))
    clients = [SocketClient(server) for _ in range(int(options["sessions"]))]
    for client in clients:
        await client.connect()
    playing = [asyncio.create_task(client.play(sound)) for client in clients]
    await asyncio.sleep(SETTLE)
    usage = await server.observe(options["seconds"] - SETTLE)
    await asyncio.gather(*playing)
    await asyncio.sleep(SETTLE)
    delays, slopes = [], []
    for client in clients:
        pairs = list(zip(_loud_moments(client.sent), _loud_moments(client.heard()), strict=False))
        if len(pairs) < 3:
            raise RuntimeError("the echo does not come back")
        sent = np.array([pair[0] for pair in pairs])
        late = np.array([heard - begun for begun, heard in pairs])
        delays += list(late)
        slopes.append(np.polyfit(sent - sent[0], late, 1)[0] * 60)
    await asyncio.gather(*(client.close() for client in clients))
    return {
        "median": 1000 * float(np.median(delays)),
        "p95": 1000 * float(np.percentile(delays, 95)),
        "drift": 1000 * float(np.median(slopes)),
        "server": usage.cores / len(clients),
    } | await _fidelity(server)


async def _fidelity(server: Server) -> Sample:
    """The level of a 1 kHz sine above everything else, in dB, over mu-law and over PCM."""
    found = {}
    turns = 2 * np.pi * 1000 * np.arange(SINE_SECONDS * RATE) / RATE
    for name, pcm in (("mulaw", False), ("pcm", True)):
        client = SocketClient(server, pcm=pcm)
        await client.connect()
        await client.play(written(np.round(16_000 * np.sin(turns)).astype(np.int16), pcm=pcm))
        await asyncio.sleep(SETTLE)
        await client.close()
        if pcm and not client.negotiated:
            found[name] = 0.0  # the server took the bytes for mu-law
            continue
        heard = np.concatenate([samples for _, samples in client.heard()] or [np.zeros(0)])
        found[name] = _signal_to_noise(heard[RATE : 2 * RATE].astype(float))
    return found


def _signal_to_noise(heard: np.ndarray) -> float:
    if heard.size < RATE // 2:
        return 0.0
    turns = 2 * np.pi * 1000 * np.arange(heard.size) / RATE
    basis = np.stack([np.sin(turns), np.cos(turns)], axis=1)
    sine = basis @ np.linalg.lstsq(basis, heard, rcond=None)[0]
    return float(10 * np.log10(np.mean(sine**2) / (np.mean((heard - sine) ** 2) + 1e-9)))


_GOALS = {
    "median": Goal(40),
    "drift": Goal(1),
    "pcm": Goal(60, at_least=True),
}

WORKLOAD = Workload(
    name="websocket",
    summary="echo over a WebSocket, handlers at 24 kHz: delay, its drift, server CPU, a 1 kHz sine",
    cases=(
        Case("1 session, 60 s", "echo-async", None, {"sessions": 1, "seconds": 60}, _GOALS, 2),
        Case("50 sessions, 20 s", "echo-async", None, {"sessions": 50, "seconds": 20}, {}, 2),
    ),
    metrics=(
        Metric("median", "ms", 1),
        Metric("p95", "ms", 1),
        Metric("drift", "ms/min", 1, ratio=False),
        Metric("server", "cores/session", 4),
        Metric("mulaw", "dB", 0, ratio=False),
        Metric("pcm", "dB", 0, ratio=False),
    ),
    client=measure,
    limit=240,
)
