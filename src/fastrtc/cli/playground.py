"""``fastrtc playground URL``: a page on this machine that talks to a running stream."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
import threading
import webbrowser
import zlib

import uvicorn

from ..client.signaling import with_token
from ..server.shutdown import interrupt_on_sigterm
from .arguments import parse_headers, server_url
from .playground_target import Choices, Target
from .ports import HOST, port_problem

__all__ = ["choose_port", "run"]

GRACEFUL_SHUTDOWN_S = 3
"""How long running requests may take after Ctrl-C, in seconds."""

FIRST_PORT, PORTS = 20_000, 10_000
"""The ports of pages: below those that systems give to outgoing connections."""


def run(given: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C or SIGTERM.

    Returns:
        The exit status: 1 if the page cannot be served, 2 for invalid arguments.
    """
    try:
        url = server_url("URL", given.url)
        headers = with_token(parse_headers(given.header), given.token)
    except ValueError as error:
        print(f"fastrtc playground: {error}", file=sys.stderr)
        return 2
    try:
        from .playground_app import make_app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "websockets":
            raise
        needed = 'websockets 13 or newer: pip install "websockets>=13", and Gradio 5.6 or newer'
        print(f"fastrtc playground: it needs {needed}", file=sys.stderr)
        return 1
    if given.port and (problem := port_problem(given.port)):
        print(f"fastrtc playground: {problem}", file=sys.stderr)
        return 1
    target = Target(url, headers)
    port = given.port or choose_port(target.url)
    choices = Choices(
        given.modality, given.mode, given.transport, has_token=given.token is not None
    )
    with socket.create_server((HOST, port)) as listening:
        address = f"http://{HOST}:{listening.getsockname()[1]}"
        print(f"Playground for {target.url}: {address} (Ctrl-C ends it)", flush=True)
        config = uvicorn.Config(
            make_app(target, choices),
            log_level="warning",
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
            ws_per_message_deflate=False,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_refusal)
        if given.open and _has_screen():
            _open(address)
        with interrupt_on_sigterm():
            try:
                uvicorn.Server(config).run(sockets=[listening])
            except KeyboardInterrupt:
                pass  # uvicorn has ended in order, and raises the signal again
    return 0


def choose_port(url: str) -> int:
    """Return the port of the page of a stream: the same one each time if it is free, else 0.

    A browser stores settings and the permission of the microphone by address and port.
    """
    port = FIRST_PORT + zlib.crc32(url.encode()) % PORTS
    return 0 if port_problem(port) else port


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Return False for what uvicorn logs when a WebSocket is refused with a response."""
    return "without completing handshake" not in record.getMessage()


def _has_screen() -> bool:
    """Return whether a browser would have a window; otherwise one would fill the terminal."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(address: str) -> None:
    """Open the page in a browser, which may block."""
    opening = threading.Thread(target=webbrowser.open, args=(address,), daemon=True)
    opening.name = "fastrtc-browser"
    opening.start()
