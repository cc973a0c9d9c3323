"""A Python client that resumes, steered over stdin; see `tests/support/commands.py`.

{"do": "connect", "url": "http://10.0.0.1:8000", "transport": "webrtc"}
{"do": "send", "text": "1"}    sends a message
{"do": "steps"}     returns the steps that were heard so far, and the messages
{"do": "wait", "type": "reconnected", "within": 30}    waits for a message, and returns the time
{"do": "close"}     closes it
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import numpy as np

from fastrtc.client import Client
from tests.support.commands import a_few_at_a_time, answer_requests
from tests.support.steps import steps_in

__all__: list[str] = []

RATE = 24_000


class _Commands:
    def __init__(self) -> None:
        self._client: Client
        self._heard: list[np.ndarray] = []
        self._messages: list[dict[str, Any]] = []
        self._seen = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._others: list[Client] = []
        self._returned: set[str] = set()

    async def connect(self, url: str, transport: Literal["webrtc", "websocket"] = "webrtc") -> str:
        self._client = Client(url, transport, resume=True, sample_rate=RATE)
        await self._client.connect()
        self._tasks = [asyncio.ensure_future(self._listen()), asyncio.ensure_future(self._read())]
        return self._client.id

    async def _listen(self) -> None:
        async for chunk in self._client.audio():
            self._heard.append(chunk.samples)

    async def _read(self) -> None:
        async for message in self._client.messages():
            self._messages.append(dict(message))

    async def send(self, text: str) -> str:
        self._client.send({"type": "text", "data": text})
        return "sent"

    async def steps(self) -> dict[str, Any]:
        samples = np.concatenate(self._heard) if self._heard else np.zeros(0, np.int16)
        error = self._client.error
        return {
            "steps": steps_in(RATE, samples),
            "seconds": len(samples) / RATE,
            "messages": self._messages,
            "error": None if error is None else error.code,
        }

    async def wait(self, type: str, within: float = 40.0) -> float | None:
        """Wait for a message that has not been waited for yet."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() < began + within:
            for index in range(self._seen, len(self._messages)):
                if self._messages[index]["type"] == type:
                    self._seen = index + 1
                    return loop.time() - began
            await asyncio.sleep(0.02)
        return None

    async def many(self, url: str, transport: Literal["webrtc", "websocket"], count: int) -> int:
        async def connect() -> None:
            client = Client(url, transport, resume=True, sample_rate=RATE, paced=False)
            await client.connect()
            self._others.append(client)
            self._tasks.append(asyncio.ensure_future(self._watch(client)))

        await a_few_at_a_time(connect() for _ in range(count))
        return len(self._others)

    async def _watch(self, client: Client) -> None:
        async for message in client.messages():
            if message["type"] == "reconnected":
                self._returned.add(client.id)

    async def returned(self) -> dict[str, Any]:
        errors = [client.error for client in self._others]
        return {
            "open": errors.count(None),
            "returned": len(self._returned),
            "errors": [str(error) for error in errors if error is not None][:3],
        }

    async def close(self) -> str:
        others, self._others = self._others, []
        await asyncio.gather(*(other.close() for other in others))
        if hasattr(self, "_client"):
            await self._client.close()
        await asyncio.gather(*self._tasks)
        return "closed"


if __name__ == "__main__":
    asyncio.run(answer_requests(_Commands()))
