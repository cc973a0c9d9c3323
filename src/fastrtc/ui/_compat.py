"""Differences between Gradio's major versions, and the private names of Gradio that fastrtc uses.

Tested with Gradio 5.0, 5.50 and 6.31.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import re
import warnings
from builtins import print as builtin_print
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import gradio as gr
from gradio import component_meta, routes
from gradio.component_meta import ComponentMeta
from gradio.components import base

__all__ = [
    "ComponentMetaWithoutStub",
    "at_startup",
    "bare_html",
    "current_blocks",
    "hidden_event",
    "hide_requests_for_components",
    "accept_gradio5_signature",
    "outside_blocks",
    "server",
    "stop_heartbeats",
]

T = TypeVar("T")

COMPONENT_REQUEST = re.compile(r"id=\w+, environment=\w+, type=\w+, file_name=")


def server(method: T) -> T:
    """Let the page call a method of a component, as Gradio's decorator does, but typed."""
    return cast(T, base.server(method))  # type: ignore[no-untyped-call]


def outside_blocks(build: Callable[[], T]) -> T:
    """Build a page as if the caller were outside any ``gr.Blocks`` and its events.

    Gradio keeps the current block in class attributes, and within ``gr.render`` in context
    variables. A ``gr.Blocks`` created there would become a part of it.
    """
    try:
        from gradio.context import Context
    except ImportError:  # the name has been removed, so the caller has to do it
        return build()
    names = [name for name in ("root_block", "block") if hasattr(Context, name)]
    before = {name: getattr(Context, name) for name in names}
    for name in names:
        setattr(Context, name, None)
    try:
        return contextvars.Context().run(build)
    finally:
        for name, value in before.items():
            setattr(Context, name, value)


def current_blocks() -> Any:
    """Return the ``gr.Blocks`` that is being built, or None."""
    try:
        from gradio.context import Context
    except ImportError:
        return None
    return getattr(Context, "root_block", None)


def at_startup(blocks: Any, begin: Callable[[], Awaitable[Any]]) -> None:
    """Await a function when the server of a page starts, whether it is launched or mounted.

    Args:
        blocks: The ``gr.Blocks``, which may be rendered in another one.
        begin: The function, called on the server's event loop.
    """
    events = getattr(blocks, "extra_startup_events", None)
    if events is not None:  # without it, the first connection has to do it
        events.append(begin)


def stop_heartbeats(blocks: Any) -> None:
    """End the requests of open pages, for which uvicorn would wait, as ``close`` does."""
    stop_event = getattr(getattr(blocks, "app", None), "stop_event", None)
    if stop_event is not None:
        stop_event.set()


def bare_html(value: str) -> gr.HTML:
    """Add HTML without the padding that Gradio 5.9 and newer add."""
    if "padding" in inspect.signature(gr.HTML).parameters:
        return gr.HTML(value, padding=False)
    return gr.HTML(value)


def hidden_event(listener: Callable[..., T], **options: Any) -> T:
    """Add an event that only the page calls, and that is not part of the public API.

    Args:
        listener: The method that adds it, such as ``button.click``.
        **options: Options for the listener.
    """
    if "api_visibility" in inspect.signature(listener).parameters:
        return listener(**options, api_visibility="private")
    with warnings.catch_warnings():  # Gradio 5.50 deprecates it without a replacement
        warnings.filterwarnings("ignore", "The 'show_api' parameter", DeprecationWarning)
        return listener(**options, show_api=False)


def accept_gradio5_signature(listener: Callable[..., T]) -> Callable[..., T]:
    """Let a Gradio 6 method that adds an event accept the arguments of Gradio 5.

    Gradio 6 has ``api_visibility`` instead of ``show_api``, and no ``like_user_message``.
    """
    own = inspect.signature(listener).parameters
    if "show_api" in own:
        return listener
    wanted = []
    for parameter in own.values():
        if parameter.name == "api_visibility":
            parameter = parameter.replace(name="show_api", default=True, annotation="bool")
        wanted.append(parameter)
        if parameter.name == "stream_every":
            wanted.append(parameter.replace(name="like_user_message", default=False))
    wanted.append(own["api_visibility"].replace(default=None))
    signature = inspect.Signature(wanted)

    @functools.wraps(listener)
    def event(*args: Any, **kwargs: Any) -> T:
        given = signature.bind(*args, **kwargs).arguments
        given.pop("like_user_message", None)
        shown, visibility = given.pop("show_api", True), given.pop("api_visibility", None)
        given["api_visibility"] = visibility or ("public" if shown else "undocumented")
        return listener(**given)

    event.__signature__ = signature  # type: ignore[attr-defined]
    return event


class ComponentMetaWithoutStub(ComponentMeta):
    """Metaclass of components that does not write Gradio's ``.pyi`` file next to the module.

    The file would shadow the module for type checkers, and installed packages should not be
    modified.
    """

    def __new__(
        cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]
    ) -> ComponentMetaWithoutStub:
        """Create the class with Gradio's function that writes the file disabled."""
        writer = getattr(component_meta, "create_or_modify_pyi", None)
        component_meta.create_or_modify_pyi = lambda *_: None
        try:
            made: ComponentMetaWithoutStub = super().__new__(cls, name, bases, attributes)  # type: ignore[no-untyped-call]
            return made
        finally:
            if writer is None:
                del component_meta.create_or_modify_pyi
            else:
                component_meta.create_or_modify_pyi = writer


def hide_requests_for_components() -> None:
    """Suppress the line that Gradio 6.31 prints for each file of a component that a page loads.

    It is a debugging leftover: ``id=..., environment=client, type=component, ...``. Everything else
    that ``gradio.routes`` prints is still printed.
    """

    def print_the_rest(*values: Any, **options: Any) -> None:
        if not (values and COMPONENT_REQUEST.match(str(values[0]))):
            builtin_print(*values, **options)

    routes.print = print_the_rest  # type: ignore[attr-defined]


hide_requests_for_components()
