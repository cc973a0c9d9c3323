"""What runs around the server of a page that is launched."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["at_end_of_launch", "wrap_launch"]


def wrap_launch(blocks: Any, wrap: Callable[[Any], Any]) -> None:
    """Have ``launch`` run a lifespan around that of its caller.

    Gradio has no other way to do something when the server of a page ends.

    Args:
        blocks: The ``gr.Blocks``.
        wrap: Makes the lifespan, of the caller's own or None.
    """
    launch = blocks.launch

    @functools.wraps(launch)
    def launch_within(*args: Any, **kwargs: Any) -> Any:
        app_kwargs = dict(kwargs.get("app_kwargs") or {})
        app_kwargs["lifespan"] = wrap(app_kwargs.get("lifespan"))
        return launch(*args, **{**kwargs, "app_kwargs": app_kwargs})

    blocks.launch = launch_within


def at_end_of_launch(blocks: Any, end: Callable[[], Awaitable[Any]]) -> None:
    """Do something when the server of a launched page ends.

    Args:
        blocks: The ``gr.Blocks``.
        end: What to do, on the server's event loop.
    """

    def wrap(lifespan: Any) -> Any:
        @asynccontextmanager
        async def within(app: Any) -> AsyncIterator[Any]:
            try:
                if lifespan is None:
                    yield
                else:
                    async with lifespan(app) as state:
                        yield state
            finally:
                await end()

        return within

    wrap_launch(blocks, wrap)
