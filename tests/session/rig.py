"""A session without a transport, and what its client gets."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from fastrtc import StreamHandler
from fastrtc.session.session import Session

__all__ = ["Handler", "Rig", "until"]


class Handler(StreamHandler):
    def receive(self, frame: Any) -> None: ...

    def emit(self) -> None: ...

    def copy(self) -> "Handler":
        return type(self)()


class Rig:
    """A live session within a block, which closes it."""

    def __init__(self, handler: Any = None, **options: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self.session = Session(
            "me", handler or Handler(), deliver=print, release=self._release, **options
        )
        self.ended_at = 0.0  # when it began to close, by the clock of the loop
        self.session.outbox.open(lambda text: self.sent.append(json.loads(text)))
        self.handler = self.session.handler
        self.messages = self.session.messages
        self.context = self.session.user_context

    def _release(self, session: Session) -> None:
        self.ended_at = session.loop.time()

    async def __aenter__(self) -> "Rig":
        self.session.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.session.close("enough")
        await self.session.closed.wait()

    def of_type(self, type: str) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["type"] == type]

    @property
    def errors(self) -> list[str]:
        return [message["data"] for message in self.of_type("error")]


async def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.001)
    return value
