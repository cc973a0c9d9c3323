"""The state of a stream for its developer: sessions, turns, levels, queues and drops."""

from __future__ import annotations

import hashlib
import math
import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.conversation_events import TurnListener
from ..core.loop_lag import LoopLag
from ..handlers.base import StreamHandlerBase
from ..handlers.link import link_of
from ..pacing.level_meter import LevelMeter
from ..session.session import Session, State
from .connection import Connection
from .load import load_of
from .monitors import EndReason, Monitor

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["DebugState", "watch"]

MAX_SESSIONS = 50
"""The most sessions that are described."""

MAX_ENDED = 10
MAX_TURNS = 20
"""The most turns of a session that are described."""

WATCHED_S = 10.0
"""How long after a request the event loop is measured, in seconds; the page asks once a second."""


class DebugState(Monitor):
    """Describe the connections of a stream as JSON.

    Its monitor and its meters cost a little for each frame, so it exists only with
    ``Stream(debug=True)``.

    Args:
        endpoint: The endpoint of the stream.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lag = LoopLag(self._measured)
        self._lags: deque[float] = deque(maxlen=20)
        self._asked_at = -math.inf
        self._watched: dict[Session, _Watched] = {}
        self._ended: deque[dict[str, Any]] = deque(maxlen=MAX_ENDED)
        self._count = self._ended_total = self._refused = 0

    def refused(self, reason: str) -> None:
        """Count the refused connections."""
        self._refused += 1

    def added(self, connection: Connection) -> None:
        """Start to measure the levels of a connection."""
        self._count += 1
        self._watched[connection.session] = _Watched(connection, self._count)

    def replaced(self, connection: Connection) -> None:
        """Measure a session that goes on over another transport."""
        watched = self._watched.get(connection.session)
        if watched is not None:
            watched.connection = connection

    def ended(self, connection: Connection, reason: EndReason) -> None:
        """Keep what is known about a connection that has ended."""
        watched = self._watched.pop(connection.session, None)
        if watched is None:
            return
        self._ended_total += 1
        end = connection.session.reason
        described = watched.describe()
        described["end"] = {"code": reason, "reason": "" if end is None else end.text}
        self._ended.append(described)

    def as_dict(self) -> dict[str, Any]:
        """Return the state; call it on the event loop of the server."""
        self._asked_at = time.monotonic()
        self._lag.start()
        newest = list(self._watched.values())[-MAX_SESSIONS:]
        return {
            "path": self._endpoint.name,
            "load": asdict(load_of(self._endpoint)),
            "loop_lag_s": max(self._lags, default=None),
            "refused": self._refused,
            "sessions_total": len(self._watched),
            "sessions": [watched.describe() for watched in newest],
            "ended_total": self._ended_total,
            "ended": list(self._ended),
        }

    def _measured(self, lag_s: float) -> None:
        self._lags.append(lag_s)
        if time.monotonic() > self._asked_at + WATCHED_S:
            self._lag.stop()
            self._lags.clear()


class _Watched:
    """One connection, with meters at its media.

    Args:
        connection: The connection.
        number: Its number; a client may use an id again.
    """

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self._number = number
        self._since = time.monotonic()
        self._received = self._sent = None
        media = connection.media
        if media.audio_in is not None:
            self._received = received = LevelMeter()
            before = media.audio_in.on_pushed

            def pushed(samples: NDArray[np.int16]) -> None:
                if before is not None:
                    before(samples)
                received.push(samples)

            media.audio_in.on_pushed = pushed
        if media.audio_out is not None and media.audio_out.playout is not None:
            self._sent = media.audio_out.meter = LevelMeter()

    def describe(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        connection = self.connection
        session, media = connection.session, connection.media
        turns = session.turns.records
        stats = asdict(connection.transport.stats())
        stats.pop("webrtc_id")
        described: dict[str, Any] = {
            "number": self._number,
            "key": hashlib.sha256(session.id.encode(errors="replace")).hexdigest()[:8],
            "transport": stats["transport"],
            "age_s": time.monotonic() - self._since,
            "handler": type(session.handler).__name__,
            "state": _state_of(session),
            "messages": session.outbox.waiting,
            "stats": stats,
            "turns_total": turns[-1].number if turns else 0,
            "turns": [_without_id(turn.as_dict()) for turn in turns[-MAX_TURNS:]],
        }
        if self._received is not None and media.audio_in is not None:
            described["received"] = {
                "level_db": self._received.read(),
                "queued_s": media.audio_in.waiting_s,
                "dropped": stats["frames_dropped_in"],
            }
        if self._sent is not None:
            described["sent"] = {"level_db": self._sent.read(), "queued_s": media.unsent_s()}
        return described


def _without_id(turn: dict[str, Any]) -> dict[str, Any]:
    """Return a turn without the id of its connection, which is a secret."""
    del turn["webrtc_id"]
    return turn


def _state_of(session: Session) -> str:
    if session.state is State.NEW:
        return "connecting"
    handler = session.handler
    dialogue = link_of(handler).conversation if isinstance(handler, StreamHandlerBase) else None
    state = getattr(getattr(dialogue, "conversation", None), "state", None)
    return "connected" if state is None else str(state.value)


def watch(endpoint: Endpoint) -> DebugState:
    """Start to watch the connections of a stream, and record their turns; once for each stream."""
    for each in endpoint.hooks.monitors:
        if isinstance(each, DebugState):
            return each
    state = DebugState(endpoint)
    endpoint.hooks.monitors.append(state)
    endpoint.hooks.turn_listeners.append(_record_turns)
    return state


def _record_turns(session: Session) -> TurnListener:
    """Let the turns of a session be recorded, and sent to its page if that asks for them."""
    session.turns.serve_client()
    return TurnListener()
