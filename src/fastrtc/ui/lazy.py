"""The page of a ``Stream``, built on first access."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradio import Blocks as Blocks
    from starlette.routing import Route

__all__ = ["LazyPage"]


class LazyPage:
    """The page of a stream, and its component.

    Args:
        generate: Builds the page and returns the ``gr.Blocks``; sets ``component``, if there is
            one.
        wrap_lifespan: Creates the lifespan of the page's server from the program's lifespan or
            None.
        routes: Returns the routes of the page's server besides those of Gradio.
    """

    def __init__(
        self,
        generate: Callable[[], Any],
        wrap_lifespan: Callable[[Any], Any],
        routes: Callable[[], Sequence[Route]] = tuple,
    ) -> None:
        self._generate = generate
        self._wrap_lifespan = wrap_lifespan
        self._routes = routes
        self._lock = threading.RLock()
        self._blocks: Any = None
        self._built = False
        self.component: Any = None

    @property
    def blocks(self) -> Any:
        """The ``gr.Blocks``."""
        if self._blocks is None:
            self.build()
        return self._blocks

    @blocks.setter
    def blocks(self, blocks: Any) -> None:
        with self._lock:
            self._blocks = blocks

    def build(self) -> None:
        """Build the page, once, regardless of the caller's current ``gr.Blocks``."""
        from ._compat import outside_blocks

        with self._lock:
            if self._built:
                return
            self._built = True
            try:
                built = outside_blocks(self._generate)
            except BaseException:
                self._built = False
                raise
            if built is not None:
                from .launch import add_launch_routes, wrap_launch  # imports Gradio

                wrap_launch(built, self._wrap_lifespan)
                add_launch_routes(built, self._routes)
            if self._blocks is None:
                self._blocks = built
