"""A client that knows of the server only its address, and one in a process of its own.

    python -m tests.faults.over_http http://127.0.0.1:8000 ID

connects, prints "connected", and speaks until it is killed.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from aiortc import RTCSessionDescription

from tests.support.peers import AudioSource, Client, tone

__all__ = ["ROOT", "HttpClient", "calling_process", "running"]

ROOT = Path(__file__).parents[2]


class HttpClient(Client):
    """A client that posts its offer."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(None, **options)
        self.address = address

    async def post(self, body: dict[str, Any]) -> Any:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.address}/webrtc/offer", json=body, timeout=30)
        return answer.raise_for_status().json()

    async def take(self, answer: dict[str, Any]) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))


@contextmanager
def running(
    *arguments: str, by: Sequence[str] = (), stdin: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run Python, by a command if there is one, in a process that is killed in the end."""
    process = subprocess.Popen(
        [*by, sys.executable, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", *sys.path])},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def calling_process(address: str, webrtc_id: str) -> Iterator[subprocess.Popen[str]]:
    """Have a process of its own call a server."""
    with running("-m", "tests.faults.over_http", address, webrtc_id) as process:
        yield process


async def _speak(address: str, webrtc_id: str) -> None:
    await HttpClient(address, audio=AudioSource(tone(60)), webrtc_id=webrtc_id).connect()
    print("connected", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_speak(*sys.argv[1:]))
