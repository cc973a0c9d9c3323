"""Code that runs around the server of a launched page."""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.routing import Route

from ..server.authorization import site_policy
from ..server.endpoint import endpoint_of
from ..server.lifespan import enclosed, ending
from ..server.local_server import LOCAL_NAMES, OwnHostsOnly
from ..server.shutdown import close_connections, interrupt_on_sigterm
from ..transport.cross_site import SitePolicy
from ..transport.webrtc.ports.ice_ports import IcePorts
from ._compat import at_startup
from .frames import FrameAncestors
from .login import behind_login

__all__ = [
    "add_launch_routes",
    "at_end_of_launch",
    "close_before_server",
    "guard_launch",
    "hold_ports",
    "serve_with_launch",
    "wrap_launch",
]


def serve_with_launch(blocks: Any, component: Any) -> None:
    """Let ``launch`` serve the connections of a component as long as its page.

    The component joins its cluster, if there is one, when the page is launched or mounted.

    Args:
        blocks: The ``gr.Blocks``.
        component: The ``WebRTC`` component.
    """
    hold_ports(blocks, lambda: endpoint_of(component).ports)
    at_startup(blocks, endpoint_of(component).join_cluster)
    at_end_of_launch(blocks, endpoint_of(component).stop_with_launch)
    close_before_server(blocks)
    guard_launch(
        blocks,
        lambda: site_policy(component.allowed_origins, component.allowed_hosts, local=True),
        lambda: component.frame_ancestors,
    )


def wrap_launch(blocks: Any, wrap: Callable[[Any], Any]) -> None:
    """Let ``launch`` run a lifespan around that of its caller.

    Gradio has no other way to run code when the server of a page ends.

    Args:
        blocks: The ``gr.Blocks``.
        wrap: Creates the lifespan from the caller's lifespan or None.
    """
    launch = blocks.launch

    @functools.wraps(launch)
    def launch_within(*args: Any, **kwargs: Any) -> Any:
        app_kwargs = dict(kwargs.get("app_kwargs") or {})
        app_kwargs["lifespan"] = wrap(app_kwargs.get("lifespan"))
        return launch(*args, **{**kwargs, "app_kwargs": app_kwargs})

    blocks.launch = launch_within


def add_launch_routes(blocks: Any, routes: Callable[[], Sequence[Route]]) -> None:
    """Let ``launch`` serve more routes beside the page, behind its login if it has one.

    Args:
        blocks: The ``gr.Blocks``.
        routes: Returns the routes, when the page is launched.
    """
    launch = blocks.launch

    @functools.wraps(launch)
    def launch_with_routes(*args: Any, **kwargs: Any) -> Any:
        app_kwargs = dict(kwargs.get("app_kwargs") or {})
        added = [behind_login(route) for route in routes()]
        app_kwargs["routes"] = [*added, *(app_kwargs.get("routes") or ())]
        return launch(*args, **{**kwargs, "app_kwargs": app_kwargs})

    blocks.launch = launch_with_routes


def at_end_of_launch(blocks: Any, end: Callable[[], Awaitable[Any]]) -> None:
    """Run a callback when the server of a launched page ends.

    Args:
        blocks: The ``gr.Blocks``.
        end: The callback, called on the server's event loop.
    """
    wrap_launch(blocks, lambda lifespan: enclosed(lifespan, lambda: ending(end)))


def hold_ports(blocks: Any, ports: Callable[[], IcePorts]) -> None:
    """Let ``launch`` open the ports of connections, and raise an error if it cannot.

    Args:
        blocks: The ``gr.Blocks``.
        ports: Returns the ports.
    """
    launch = blocks.launch

    @functools.wraps(launch)
    def launch_with_ports(*args: Any, **kwargs: Any) -> Any:
        with ports().held():  # until the server's own lifespan holds them
            return launch(*args, **kwargs)

    blocks.launch = launch_with_ports

    wrap_launch(blocks, lambda lifespan: enclosed(lifespan, lambda: ports().serving()))


def close_before_server(blocks: Any) -> None:
    """Let ``launch`` close connections before its server when it is interrupted, or gets SIGTERM.

    Gradio's ``block_thread``, in which ``launch`` ends, closes the server on Ctrl-C, and waits up
    to 5 s for it. SIGTERM then ends the process with status 0. Signal handlers that the program has
    installed are called instead; it is sufficient if they raise an exception or close the page.

    Args:
        blocks: The ``gr.Blocks``; calling this twice has no further effect.
    """
    from ._compat import current_blocks, stop_heartbeats

    block_thread, render = blocks.block_thread, blocks.render
    if hasattr(block_thread, "closes_connections"):
        return

    @functools.wraps(block_thread)
    def block_and_close() -> Any:
        server, blocked = blocks.server, threading.current_thread()
        if server is None:  # not launched
            return block_thread()
        close_server = server.close

        def close() -> None:
            if threading.current_thread() is blocked:
                close_connections(server.thread)
                stop_heartbeats(blocks)
            close_server()

        server.close = close
        with interrupt_on_sigterm() as terminated:
            try:
                block_thread()
            except BaseException as error:  # also of the program's own signal handlers
                close_connections(server.thread)
                if not terminated or not isinstance(error, KeyboardInterrupt):
                    raise
            finally:
                server.close = close_server
        if terminated:
            raise SystemExit(0)

    @functools.wraps(render)
    def render_and_close() -> Any:
        rendered = render()
        if (outer := current_blocks()) is not None and outer is not blocks:
            close_before_server(outer)
        return rendered

    block_and_close.closes_connections = True  # type: ignore[attr-defined]
    blocks.block_thread, blocks.render = block_and_close, render_and_close


def guard_launch(
    blocks: Any,
    policy: Callable[[], SitePolicy],
    frame_ancestors: Callable[[], Collection[str] | None] = lambda: None,
) -> None:
    """Let the server of a launched page refuse foreign host names, and restrict framing.

    Names are checked only on a loopback address. The known names are those of this machine, of a
    share link, and of a ``root_path``.

    Args:
        blocks: The ``gr.Blocks``.
        policy: Returns the policy with the names of this machine, and those that the program
            allows.
        frame_ancestors: Returns the sites that may frame the page; None allows all sites.
    """
    launch = blocks.launch

    @functools.wraps(launch)
    def launch_guarded(*args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(launch).bind(*args, **kwargs).arguments
        name = given.get("server_name") or os.getenv("GRADIO_SERVER_NAME", "127.0.0.1")
        framed_by = frame_ancestors()
        guards = [] if framed_by is None else [Middleware(FrameAncestors, sources=framed_by)]

        def own_names() -> SitePolicy:
            own = policy()
            public = (getattr(blocks, "share_url", None), getattr(blocks, "root_path", None))
            names = {urlsplit(url).hostname for url in public if url}
            return replace(own, machine={*own.machine, *names})

        if str(name).lower().strip("[]") in LOCAL_NAMES:
            guards.append(Middleware(OwnHostsOnly, policy=own_names))
        if not guards:
            return launch(*args, **kwargs)
        app_kwargs = dict(kwargs.get("app_kwargs") or {})
        app_kwargs["middleware"] = [*guards, *(app_kwargs.get("middleware") or ())]
        return launch(*args, **{**kwargs, "app_kwargs": app_kwargs})

    blocks.launch = launch_guarded
