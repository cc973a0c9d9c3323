"""Wrapping of the lifespan of an ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

__all__ = ["Lifespan", "enclosed", "ending"]

Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]
Context: TypeAlias = Callable[[], AbstractAsyncContextManager[Any]]


def enclosed(lifespan: Lifespan | None, context: Context) -> Lifespan:
    """Return a lifespan that runs another lifespan within a context.

    Args:
        lifespan: The other lifespan, whose state is passed on; or None.
        context: Creates the context.
    """

    @asynccontextmanager
    async def enclosing(app: Any) -> AsyncIterator[Any]:
        async with context():
            if lifespan is None:
                yield
            else:
                async with lifespan(app) as state:
                    yield state

    return enclosing


@asynccontextmanager
async def ending(end: Callable[[], Awaitable[Any]]) -> AsyncIterator[None]:
    """Await a function at the end of the block."""
    try:
        yield
    finally:
        await end()
