"""The program's side of all connections of a stream, besides its handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.close_reason import ConnectionEnd
from ..core.context import Context
from ..core.conversation_events import TurnListener
from ..handlers.client_message import OnMessage
from ..recording.recorder import Recorder
from .methods import Method
from .turn_callback import OnTurn

if TYPE_CHECKING:
    from .session import Session

__all__ = ["RESUME_TIMEOUT_S", "Hooks", "OnConnect", "OnDisconnect", "OnReconnect", "OnTurn"]

RESUME_TIMEOUT_S = 30.0
"""How long a session waits for a client that has lost its network, in seconds."""

OnConnect: TypeAlias = Callable[[Context], Any]
"""Called when a connection is established. Sync or async."""

OnDisconnect: TypeAlias = Callable[[Context, ConnectionEnd], Any]
"""Called when a connection that was established has ended. Sync or async."""

OnReconnect: TypeAlias = Callable[[Context], Any]
"""Called when a client has resumed its session over another connection. Sync or async."""


@dataclass
class Hooks:
    """Functions and options of a stream that concern its connections.

    Attributes:
        on_message: Gets messages of clients if the handler has no ``on_message``.
        on_connect: Called when a connection is established.
        on_disconnect: Called when an established connection has ended.
        idle_timeout: How long a client may neither speak nor send anything, in seconds.
        captions: Whether clients get the texts of ``Speech`` as transcripts.
        record: How connections are recorded; None if they are not.
        on_reconnect: Called when a client has resumed its session.
        resume_within_s: How long a session waits for a client that has lost its network, in
            seconds; 0 closes it at once.
        methods: The methods that clients may call by name, with the number of their arguments.
        on_turn: Called with the record of each turn.
        turn_listeners: Called with each session as it is created; each returns who follows its
            conversation, or None.
    """

    on_message: OnMessage | None = None
    on_connect: OnConnect | None = None
    on_disconnect: OnDisconnect | None = None
    idle_timeout: float | None = None
    captions: bool = False
    record: Recorder | None = None
    on_reconnect: OnReconnect | None = None
    resume_within_s: float = RESUME_TIMEOUT_S
    methods: dict[str, tuple[Method, int]] = field(default_factory=dict)
    on_turn: OnTurn | None = None
    turn_listeners: list[Callable[[Session], TurnListener | None]] = field(default_factory=list)
