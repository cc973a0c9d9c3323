"""What both server scripts share: the loopback socket, the ready line and the debug routes.

The scripts run in three environments, so this knows FastAPI and uvicorn and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import ctypes
import gc
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI

#: Counted by handlers, read by the client over `/debug/state`.
calls: Counter[str] = Counter()

_HEARTBEAT = 0.01


class Recording:
    """What one session says, as far as it is heard."""

    def __init__(self) -> None:
        self.rate = 0
        self.samples = bytearray()
        recordings.append(self)

    def add(self, rate: int, samples: bytes) -> None:
        """Append `int16` samples."""
        self.rate = rate
        self.samples += samples


#: Oldest first; read by the client over `/debug/heard`.
recordings: list[Recording] = []


class Heartbeat:
    """Measures how late the event loop is, on a fixed grid of 10 ms.

    A beat that the loop slept through counts with the lateness that it had, so that a loop
    frozen for 200 ms gives twenty late samples and not one.
    """

    def __init__(self) -> None:
        self._lags: list[float] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._lags.clear()
        if self._task is None:
            self._task = asyncio.create_task(self._beat())

    async def stop(self) -> dict[str, float]:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        lags = sorted(self._lags) or [0.0]
        return {
            name: 1000 * lags[min(len(lags) - 1, int(len(lags) * share))]
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        }

    async def _beat(self) -> None:
        due = time.perf_counter() + _HEARTBEAT
        while True:
            await asyncio.sleep(due - time.perf_counter())
            now = time.perf_counter()
            while due <= now:
                self._lags.append(now - due)
                due += _HEARTBEAT


def _settle_memory() -> None:
    """Gives back what is free, so that resident memory shows what is kept."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def add_debug_routes(app: FastAPI, entries: Callable[[], int]) -> None:
    """Adds what the client asks for; `entries()` counts what sessions leave in dicts and sets."""
    heartbeat = Heartbeat()

    @app.get("/debug/calls")
    async def counted() -> dict[str, int]:
        return dict(calls)

    @app.get("/debug/state")
    async def state() -> dict[str, int]:
        _settle_memory()
        return {
            "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count(),
            "entries": entries(),
            "peers": sum(type(item).__name__ == "RTCPeerConnection" for item in gc.get_objects()),
        }

    @app.get("/debug/heard")
    async def heard() -> list[dict[str, Any]]:
        return [
            {"rate": one.rate, "samples": base64.b64encode(one.samples).decode()}
            for one in recordings
            if one.samples
        ]

    @app.post("/debug/heartbeat")
    async def start_heartbeat() -> None:
        heartbeat.start()

    @app.get("/debug/heartbeat")
    async def stop_heartbeat() -> dict[str, float]:
        return await heartbeat.stop()


def serve(make_app: Callable[[str], FastAPI], handlers: list[str]) -> None:
    """Serves what the command line asks for on a free port of 127.0.0.1, and says which."""
    parser = argparse.ArgumentParser()
    parser.add_argument("handler", choices=sorted(handlers))
    parser.add_argument("--loop", default="asyncio")
    options = parser.parse_args()
    app = make_app(options.handler)
    # Said to be TCP, or asyncio leaves Nagle's algorithm on: 40 ms for each second request.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        print(f"listening on {listener.getsockname()[1]}", flush=True)
        # The harness reads no further: what is printed from here on belongs into the log.
        os.dup2(2, 1)
        # No keep-alive limit: the client's connection stays, so counts of tasks compare.
        config = uvicorn.Config(
            app, loop=options.loop, log_level="warning", timeout_keep_alive=3600
        )
        asyncio_server = uvicorn.Server(config)
        asyncio_server.run(sockets=[listener])
