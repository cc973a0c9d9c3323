"""The program's functions and options of a stream that concern its connections."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..core.callbacks import check_callback
from ..handlers.client_message import check_on_message
from ..session.hooks import RESUME_TIMEOUT_S, Hooks
from .monitors import Monitors
from .tokens import Tokens
from .webrtc_protocol import WebRTCProtocol

__all__ = ["StreamHooks", "check_hooks"]


@dataclass
class StreamHooks(Hooks):
    """Functions and options of a stream that concern its connections.

    Attributes:
        tokens: Checks the tokens of clients; None without ``Stream.tokens``.
        monitors: Observers of the connections, such as metrics.
        protocols: The protocols that the stream is mounted with, besides its own, by name: those
            that use WebRTC.
        debug: Whether the stream has a debug page.
    """

    tokens: Tokens | None = None
    monitors: Monitors = field(default_factory=Monitors)
    protocols: dict[str, WebRTCProtocol] = field(default_factory=dict)
    debug: bool = False


def check_hooks(
    on_message: Any,
    on_connect: Any,
    on_disconnect: Any,
    idle_timeout: Any,
    captions: Any = False,
    on_turn: Any = None,
    debug: Any = False,
    on_reconnect: Any = None,
    resume_within_s: Any = RESUME_TIMEOUT_S,
) -> StreamHooks:
    """Return the hooks of a stream, from its arguments.

    Raises:
        TypeError: If a function has other parameters.
        ValueError: If another argument is invalid; the message names it.
    """
    functions = {
        "on_connect": (on_connect, "a Context"),
        "on_disconnect": (on_disconnect, "a Context", "a ConnectionEnd"),
        "on_turn": (on_turn, "a Turn"),
        "on_reconnect": (on_reconnect, "a Context"),
    }
    for name, (function, *arguments) in functions.items():
        if function is None:
            continue
        if not callable(function):
            raise ValueError(f"{name} must be a function or None, not {function!r}")
        check_callback(name, function, *arguments)
    if idle_timeout is not None and (
        isinstance(idle_timeout, bool)
        or not isinstance(idle_timeout, int | float)
        or not 0 < idle_timeout < math.inf
    ):
        raise ValueError(
            f"idle_timeout must be a positive number of seconds or None, not {idle_timeout!r}"
        )
    for name, option in (("captions", captions), ("debug", debug)):
        if not isinstance(option, bool):
            raise ValueError(f"{name} must be True or False, not {option!r}")
    if (
        isinstance(resume_within_s, bool)
        or not isinstance(resume_within_s, int | float)
        or not 0 <= resume_within_s < math.inf
    ):
        raise ValueError(
            f"resume_within_s must be a number of seconds, 0 or more, not {resume_within_s!r}"
        )
    return StreamHooks(
        on_message=check_on_message(on_message),
        on_connect=on_connect,
        on_disconnect=on_disconnect,
        idle_timeout=idle_timeout,
        captions=captions,
        on_turn=on_turn,
        debug=debug,
        on_reconnect=on_reconnect,
        resume_within_s=float(resume_within_s),
    )
