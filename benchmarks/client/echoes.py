"""How late an echo over a socket is, and how it sounds.

Once a second a piece of 20 ms is loud. The delay runs from sending it to the message that brings
the loud sound back; nothing is lost over TCP, so the n-th that comes is the n-th that was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from benchmarks.client.server import Server
from benchmarks.client.socket import SocketClient

LOUD = 4000
WARM_UP = 3.0
#: Until the first second's work is done, and until the last echo has come, in seconds.
SETTLE = 2.0
SINE_SECONDS = 3
#: No divisor of a sample rate: it would meet the same few codes of mu-law again and again.
SINE_HZ = 997


def loud_script(seconds: float, rate: int) -> np.ndarray:
    """Quiet noise `(n,)` int16 with a loud frame in each second."""
    rng = np.random.default_rng(3)
    sound = rng.normal(0, 100, int(seconds * rate))
    frame = rate // 50
    for place in range(rate // 2, sound.size - frame, rate):
        place -= place % frame
        sound[place : place + frame] = rng.normal(0, 8000, frame)
    return np.clip(sound, -30_000, 30_000).astype(np.int16)


def loud_moments(pieces: Sequence[tuple[float, np.ndarray]], rate: int) -> list[float]:
    """When each loud piece began to be there; the next is a second later, so 0.5 s are one."""
    moments: list[float] = []
    position = last = -rate
    for moment, samples in pieces:
        position += samples.size
        if samples.size and np.abs(samples.astype(int)).max() > LOUD:
            if position - last > rate // 2:
                moments.append(moment)
            last = position
    return moments


async def measure_echo(
    server: Server, kind: type[SocketClient], count: int, seconds: float
) -> dict[str, float]:
    """Delays, their drift and the server's cost for some clients that talk at once.

    One before them is not counted: it loads what is loaded on first use, and the first call that
    the reference gets stays silent.
    """
    rate = kind.RATE
    first = kind(server)
    await first.connect()
    await first.play(first.written(loud_script(WARM_UP, rate)))
    await first.close()
    clients = [kind(server) for _ in range(count)]
    sound = loud_script(seconds, rate)
    pieces = [client.written(sound) for client in clients]
    for client in clients:
        await client.connect()
    playing = [
        asyncio.create_task(client.play(written))
        for client, written in zip(clients, pieces, strict=True)
    ]
    await asyncio.sleep(SETTLE)
    usage = await server.observe(seconds - SETTLE)
    await asyncio.gather(*playing)
    await asyncio.sleep(SETTLE)
    delays: list[float] = []
    slopes: list[float] = []
    for client in clients:
        pairs = list(
            zip(loud_moments(client.sent, rate), loud_moments(client.heard(), rate), strict=False)
        )
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
    }


async def measure_sine(client: SocketClient) -> float:
    """The level of a sine above everything else in its echo, in dB; 0 if refused."""
    rate = client.RATE
    turns = 2 * np.pi * SINE_HZ * np.arange(SINE_SECONDS * rate) / rate
    await client.connect()
    await client.play(client.written(np.round(16_000 * np.sin(turns)).astype(np.int16)))
    await asyncio.sleep(SETTLE)
    await client.close()
    if client.pcm and not client.negotiated:
        return 0.0  # the server took the bytes for mu-law
    heard = np.concatenate([samples for _, samples in client.heard()] or [np.zeros(0)])
    # The median, for a stall of the machine spoils one piece and says nothing about the path.
    size = rate // 4
    pieces = [heard[k : k + size].astype(float) for k in range(2 * size, heard.size - size, size)]
    return float(np.median([signal_to_noise(piece, rate) for piece in pieces] or [0.0]))


def signal_to_noise(heard: np.ndarray, rate: int) -> float:
    """How much stronger the sine is than what else is in `(n,)` samples, in dB."""
    turns = 2 * np.pi * SINE_HZ * np.arange(heard.size) / rate
    basis = np.stack([np.sin(turns), np.cos(turns)], axis=1)
    sine = basis @ np.linalg.lstsq(basis, heard, rcond=None)[0]
    return float(10 * np.log10(np.mean(sine**2) / (np.mean((heard - sine) ** 2) + 1e-9)))
