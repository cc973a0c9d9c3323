"""Whether a reply that was started early is played, or was started in vain."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future, InvalidStateError
from contextvars import ContextVar

__all__ = ["Commitment", "current_commitment"]


class Commitment:
    """Decides once whether a reply is played; all methods are thread-safe."""

    def __init__(self) -> None:
        self._decided: Future[None] = Future()

    def commit(self) -> None:
        """Let those that wait continue: the reply is played."""
        with contextlib.suppress(InvalidStateError):  # it was decided before
            self._decided.set_result(None)

    def discard(self) -> None:
        """Cancel those that wait: the reply is not played. Nothing, after ``commit``."""
        self._decided.cancel()

    async def committed(self) -> None:
        """Wait until the reply is certain to be played.

        Raises:
            asyncio.CancelledError: If it is not.
        """
        await asyncio.shield(asyncio.wrap_future(self._decided))

    def wait_committed(self) -> None:
        """Wait in a thread until the reply is certain to be played.

        Raises:
            concurrent.futures.CancelledError: If it is not.
        """
        self._decided.result()


current_commitment: ContextVar[Commitment | None] = ContextVar("current_commitment", default=None)
"""Of the reply that the running code belongs to; None if it was not started early."""
