"""Delivery of ``AdditionalOutputs`` to the components of a page.

The page is notified of each of them (``fetch_output``) and then runs the event ``state_change``. An
event takes all waiting outputs, so that none is lost if events overtake each other, or if the
connection has ended in the meantime.

The current value that a function receives for a component may be outdated: the page collects the
values when it sends the event, possibly before the result of the previous event has arrived. A
hidden component therefore counts the results that the page has received. While the page is behind,
the function's own last result is used as the current value.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import gradio as gr
from gradio.blocks import Block

from ..core.bounded_queue import BoundedQueue, Overflow
from ..core.failures import contained, text_of
from ..core.outputs import AdditionalOutputs
from ..core.tasks import run_in_thread
from ..handlers.invoke import call_function
from ._compat import hidden_event

__all__ = ["OutputsEvent"]

logger = logging.getLogger(__name__)

MAX_WAITING = 1024
"""Maximum number of outputs of a connection that wait for the page; beyond it, the oldest is
dropped."""

KEPT_S = 30.0
"""How long outputs are kept for a page after its connection has ended, in seconds."""

MAX_PAGES = 1000
"""Maximum number of pages whose results are kept; beyond it, the least recently seen page is
dropped."""

_END = object()

T = TypeVar("T")


@dataclass
class _Page:
    """The results sent to an open page, by the index of the output, and their number."""

    connection: str | None = None
    given: int = 0
    results: dict[int, Any] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class OutputsEvent:
    """The event of one ``on_additional_outputs``.

    Args:
        fn: Receives the values of the inputs, then those of the outputs; returns anything that the
            function of a Gradio event may return. Sync or async, or a generator.
        inputs: Components, or one, or None.
        outputs: Components, or one, or None.
        fetch: Awaited with a connection id before its waiting outputs are used: puts those that
            wait in another process.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        inputs: Any,
        outputs: Any,
        fetch: Callable[[OutputsEvent, str], Awaitable[None]] | None = None,
    ) -> None:
        self._fn = fn
        self._fetch = fetch
        self._inputs = _as_list(inputs)
        self._outputs = _as_list(outputs)
        outputs_by_id = {block._id: index for index, block in enumerate(self._outputs)}
        self._shared = {
            index: outputs_by_id[block._id]
            for index, block in enumerate(self._inputs)
            if block._id in outputs_by_id
        }
        self._counter = [gr.JSON(value={"given": 0}, visible=False)] if self._shared else []
        self._waiting: dict[str, BoundedQueue[AdditionalOutputs]] = {}
        self._pages: OrderedDict[str | None, _Page] = OrderedDict()

    @property
    def is_generator(self) -> bool:
        """Whether the function returns several results per call; Gradio must queue it."""
        fn = self._fn
        call = fn if inspect.isroutine(fn) else getattr(fn, "__call__", fn)  # noqa: B004
        return inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call)

    def listen(self, listener: Callable[..., T], component: Any, **options: Any) -> T:
        """Add the event to the page.

        Args:
            listener: The method of the component that adds it.
            component: The component, whose value is the connection id.
            **options: Further options for the listener.
        """
        return hidden_event(
            listener,
            fn=self._run_each if self.is_generator else self._run,
            inputs=[component, *self._counter, *self._inputs],
            outputs=[*self._outputs, *self._counter],
            trigger_mode="multiple",
            **options,
        )

    def put(self, webrtc_id: str, outputs: AdditionalOutputs) -> None:
        """Keep outputs until the page fetches them. Call it on the event loop."""
        waiting = self._waiting.get(webrtc_id)
        if waiting is None:
            overflow = Overflow(
                logger.warning,
                "More than %d outputs wait for the page: the oldest are dropped",
                MAX_WAITING,
            )
            waiting = self._waiting[webrtc_id] = BoundedQueue(MAX_WAITING, overflow)
        waiting.append(outputs)

    def waiting(self, webrtc_id: str) -> deque[AdditionalOutputs]:
        """Return the queue of the waiting outputs of a connection, for another process."""
        return self._waiting.get(webrtc_id, deque())

    def connection_ended(self, webrtc_id: str) -> None:
        """Keep waiting outputs for a limited time only. Call it on the event loop."""
        asyncio.get_running_loop().call_later(KEPT_S, self._forget, webrtc_id)

    def _forget(self, webrtc_id: str) -> None:
        self._waiting.pop(webrtc_id, None)
        for page in self._pages.values():
            if page.connection == webrtc_id:
                page.results.clear()  # the page has received them

    async def _run(self, request: gr.Request, value: Any, *values: Any) -> Any:
        page = self._page(request, value)
        async with page.lock:
            await self._fetch_outputs(value)
            merged: dict[int, Any] = {}
            current = self._current(page, values)
            for args in self._take(value):
                try:
                    result = await call_function(self._fn, *current, *args)
                except Exception as error:
                    if not merged:
                        raise  # Gradio shows it
                    logger.exception("A function of on_additional_outputs failed")
                    gr.Warning(text_of(error))  # the previous results are kept
                    continue
                self._note(page, current, merged, result)
            return self._result(page, merged)

    async def _run_each(self, request: gr.Request, value: Any, *values: Any) -> AsyncIterator[Any]:
        page = self._page(request, value)
        async with page.lock:
            await self._fetch_outputs(value)
            current = self._current(page, values)
            for args in self._take(value):
                async for result in _iterate(self._fn, *current, *args):
                    merged: dict[int, Any] = {}
                    self._note(page, current, merged, result)
                    yield self._result(page, merged)
            yield self._result(page, {})

    async def _fetch_outputs(self, value: Any) -> None:
        if self._fetch is not None:
            await self._fetch(self, getattr(value, "webrtc_id", value) or "")

    def _page(self, request: gr.Request, value: Any) -> _Page:
        """Return the state of the page that sent the event."""
        page = self._pages.setdefault(getattr(request, "session_hash", None), _Page())
        self._pages.move_to_end(getattr(request, "session_hash", None))
        page.connection = getattr(value, "webrtc_id", value)
        while len(self._pages) > MAX_PAGES:
            self._pages.popitem(last=False)
        return page

    def _take(self, value: Any) -> Iterator[tuple[Any, ...]]:
        """Yield the waiting outputs one by one; after an error, the next event gets the rest."""
        waiting = self._waiting.get(getattr(value, "webrtc_id", value) or "")
        while waiting:
            yield waiting.popleft().args

    def _current(self, page: _Page, values: tuple[Any, ...]) -> list[Any]:
        """Return the newest known values of the inputs."""
        if not self._counter:
            return list(values)
        seen, *current = values
        if isinstance(seen, dict) and seen.get("given", 0) < page.given:
            for index, output in self._shared.items():
                current[index] = page.results.get(output, current[index])
        return current

    def _note(self, page: _Page, current: list[Any], merged: dict[int, Any], result: Any) -> None:
        """Record a result, for the page and as the current value of inputs."""
        for output, value in self._by_output(result).items():
            merged[output] = _merge(merged.get(output, _END), value)
        page.given += 1
        for index, output in self._shared.items():
            if output in merged:
                new = _value_of(merged[output])
                if new is not _END:
                    current[index] = page.results[output] = new

    def _by_output(self, result: Any) -> dict[int, Any]:
        """Sort a result by the index of its output."""
        if isinstance(result, dict) and result and all(isinstance(k, Block) for k in result):
            by_id = {block._id: value for block, value in result.items()}
            found = {i: by_id.pop(b._id) for i, b in enumerate(self._outputs) if b._id in by_id}
            if by_id:
                raise ValueError(
                    "on_additional_outputs: a result is for a component not in outputs"
                )
            return found
        if not self._outputs:
            return {}
        if len(self._outputs) == 1:
            return {0: result}
        if _is_update(result):
            return dict.fromkeys(range(len(self._outputs)), result)
        if not isinstance(result, tuple | list) or len(result) != len(self._outputs):
            raise ValueError(
                f"on_additional_outputs has {len(self._outputs)} outputs: its function must "
                "return as many values"
            )
        return dict(enumerate(result))

    def _result(self, page: _Page, merged: dict[int, Any]) -> Any:
        results = [merged.get(index, gr.skip()) for index in range(len(self._outputs))]
        results += [{"given": page.given} for _ in self._counter]
        return results if len(results) > 1 else results[0] if results else None


def _as_list(components: Any) -> list[Any]:
    if components is None:
        return []
    if isinstance(components, set | frozenset):
        return sorted(components, key=lambda block: block._id)
    return list(components) if isinstance(components, list | tuple) else [components]


async def _iterate(fn: Callable[..., Any], *args: Any) -> AsyncIterator[Any]:
    items = fn(*args)
    if hasattr(items, "__aiter__"):
        iterator = aiter(items)
        while (item := await contained(fn, anext(iterator, _END))) is not _END:
            yield item
        return
    while (item := await run_in_thread(lambda: next(items, _END))) is not _END:
        yield item


def _is_update(value: Any) -> bool:
    return isinstance(value, dict) and value.get("__type__") == "update"


def _merge(before: Any, after: Any) -> Any:
    """Combine two results into one that has the effect of both in order."""
    if isinstance(after, Block):
        after = {**after.constructor_args, "__type__": "update"}
    if before is _END or not _is_update(after):
        return after
    return {**(before if _is_update(before) else {**gr.update(), "value": before}), **after}


def _value_of(result: Any) -> Any:
    return result.get("value", _END) if _is_update(result) else result
