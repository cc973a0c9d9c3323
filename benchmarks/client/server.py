"""The server process as a client sees it: signalling, debug routes, and what the system counts."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import psutil

_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Usage:
    """What a process used over a while."""

    began: float
    ended: float
    cpu_seconds: float

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return self.ended - self.began

    @property
    def cores(self) -> float:
        """Mean number of cores in use, all threads of the process together."""
        return self.cpu_seconds / self.seconds


class Server:
    """The server under test."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._process = psutil.Process(pid)

    async def __aenter__(self) -> Server:
        self.http = httpx.AsyncClient(base_url=self.url, timeout=60, trust_env=False)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.http.aclose()

    async def offer(self, body: dict[str, str]) -> dict[str, str]:
        """Posts an offer; returns the answer."""
        answer: dict[str, str] = await self._post("/webrtc/offer", json=body)
        if "sdp" not in answer:
            raise RuntimeError(f"offer refused: {answer}")
        return answer

    async def set_input(self, webrtc_id: str) -> None:
        """Gives a video function the input without which the reference does not call it."""
        await self._post(f"/debug/input/{webrtc_id}")

    async def calls(self) -> dict[str, int]:
        """How often each counted method of the handlers was called."""
        return await self._get("/debug/calls")

    async def state(self) -> dict[str, int]:
        """Tasks, threads, dict entries and peers alive, after a garbage collection."""
        return await self._get("/debug/state")

    async def utterances(self) -> list[tuple[int, np.ndarray]]:
        """What reply functions were given since this was asked last: rate and samples `(n,)`."""
        return [
            (said["rate"], np.frombuffer(base64.b64decode(said["samples"]), np.int16))
            for said in await self._get("/debug/utterances")
        ]

    async def heard(self) -> list[tuple[int, np.ndarray]]:
        """What each session that was heard has said: rate and samples `(n,)`, oldest first."""
        return [
            (heard["rate"], np.frombuffer(base64.b64decode(heard["samples"]), np.int16))
            for heard in await self._get("/debug/heard")
        ]

    async def start_heartbeat(self) -> None:
        """Begins to measure how late the server's event loop is."""
        await self._post("/debug/heartbeat")

    async def stop_heartbeat(self) -> dict[str, float]:
        """Lateness in ms: `p50`, `p95`, `p99`, `max`."""
        return await self._get("/debug/heartbeat")

    async def until(
        self, settled: Callable[[dict[str, int]], bool], limit: float, every: float = 0.5
    ) -> dict[str, int]:
        """Asks for `state()` every so many seconds until it is settled or the limit is over."""
        deadline = time.monotonic() + limit
        while True:
            state = await self.state()
            if settled(state) or time.monotonic() > deadline:
                return state
            await asyncio.sleep(every)  # another process: there is no event to wait for

    async def memory(self) -> float:
        """Resident memory in MB, after a garbage collection."""
        await self.state()
        return self.resident()

    def resident(self) -> float:
        """Resident memory in MB, as it is."""
        resident: int = self._process.memory_info().rss
        return resident / _MEGABYTE

    async def observe(self, seconds: float) -> Usage:
        """Watches the process for a while."""
        began, used = time.monotonic(), self._cpu()
        await asyncio.sleep(seconds)
        return Usage(began, time.monotonic(), self._cpu() - used)

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        used: float = times.user + times.system
        return used

    async def _get(self, path: str) -> Any:
        return (await self.http.get(path)).raise_for_status().json()

    async def _post(self, path: str, **arguments: Any) -> Any:
        return (await self.http.post(path, **arguments)).raise_for_status().json()
