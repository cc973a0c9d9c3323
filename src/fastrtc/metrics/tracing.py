"""Traces for OpenTelemetry: one for each turn, with the reply function in it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._version import __version__
from ..core.conversation_events import (
    ConversationEvent,
    FunctionCalled,
    ReplyDiscarded,
    TurnListener,
)
from ..core.turn import Turn
from ..server.attachment import endpoint_of
from ..session.session import Session
from ..webrtc_connection_mixin import WebRTCConnectionMixin
from .errors import MetricsExtraMissing

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext, Tracer, TracerProvider

__all__ = ["conversation_id", "trace"]

MAX_OPEN = 8
"""The most turns of one connection whose spans are open; a reply may still play as the next turn
begins."""


def trace(
    stream: WebRTCConnectionMixin,
    tracer_provider: TracerProvider | None = None,
    *,
    texts: bool = False,
) -> None:
    """Send a trace of each turn of a stream to OpenTelemetry.

    The root span, ``fastrtc.turn``, lasts from the first word of the user to the last sample of the
    reply. Its children are ``fastrtc.user_speech``, ``fastrtc.end_of_turn``, ``fastrtc.function``
    and ``fastrtc.playout``. ``fastrtc.function`` is the current span within the reply function,
    sync or async, so that spans of the libraries that it calls become its children. The turns of a
    connection have the same ``fastrtc.conversation.id``, and each one has a link to the one before
    it. The attributes are in ``docs/monitoring.md``.

    Args:
        stream: The stream; a ``WebRTC`` component of the program's own page works, too. Its traces
            go to a provider once, however often this is called.
        tracer_provider: Where the traces go; by default the global provider of OpenTelemetry, which
            the program sets before the first connection.
        texts: Whether the spans contain what was said and heard, and the messages of exceptions.
            The last call for a provider decides, for connections that come after it.

    Raises:
        MetricsExtraMissing: If ``opentelemetry-api`` is not installed.
        TypeError: If *stream* is no stream, or another argument is not what it should be.
    """
    try:
        from opentelemetry.trace import TracerProvider, get_tracer
    except ImportError as error:
        raise MetricsExtraMissing("opentelemetry-api") from error
    if not isinstance(stream, WebRTCConnectionMixin):
        raise TypeError(f"trace() follows a Stream, not {stream!r}")
    if tracer_provider is not None and not isinstance(tracer_provider, TracerProvider):
        raise TypeError(
            f"tracer_provider must be a TracerProvider or None, not {tracer_provider!r}"
        )
    if not isinstance(texts, bool):  # as "no" would send what was said
        raise TypeError(f"texts must be True or False, not {texts!r}")
    traces = _Traces(tracer_provider, texts, get_tracer("fastrtc", __version__, tracer_provider))
    listeners = endpoint_of(stream).hooks.turn_listeners
    for n, listener in enumerate(listeners):
        if isinstance(listener, _Traces) and listener.provider is traces.provider:
            listeners[n] = traces
            return
    listeners.append(traces)


def conversation_id(webrtc_id: str) -> str:
    """Return the id of a connection in traces: a hash, as ids of connections are secrets."""
    return hashlib.sha256(webrtc_id.encode(errors="replace")).hexdigest()[:16]


class _Traces:
    """Create what follows the conversation of a session.

    Args:
        provider: Where the traces go; None for the global provider.
        texts: Whether they contain texts.
        tracer: Creates the spans.
    """

    def __init__(self, provider: TracerProvider | None, texts: bool, tracer: Tracer) -> None:
        self._provider = provider
        self._texts = texts
        self._tracer = tracer

    @property
    def provider(self) -> TracerProvider:
        """Where the traces go now: the program may set the global provider later."""
        from opentelemetry.trace import get_tracer_provider

        return self._provider or get_tracer_provider()

    def __call__(self, session: Session) -> TurnListener:
        return _Conversation(session, self._tracer, self._texts)


class _OpenTurn:
    """The open spans of a turn."""

    def __init__(self, root: Span) -> None:
        self.root = root
        self.function: Span | None = None


class _Conversation(TurnListener):
    """Create the spans of the turns of one connection.

    The span of the function begins when it is called, so that it can be the current one; all others
    are made from the record of the turn when it is complete.

    Args:
        session: The session.
        tracer: Creates the spans.
        texts: Whether they contain texts.
    """

    def __init__(self, session: Session, tracer: Tracer, texts: bool) -> None:
        self._tracer = tracer
        self._texts = texts
        id = conversation_id(session.id)
        self._attributes = {"fastrtc.conversation.id": id, "gen_ai.conversation.id": id}
        self._lock = threading.Lock()
        self._open: dict[int, _OpenTurn] = {}
        self._last: SpanContext | None = None
        self._ended = False
        session.on_closed(lambda _: self._end_all())

    def calling(self, call: FunctionCalled) -> None:
        """Make the span of the function current, in the context of the reply."""
        from opentelemetry import context
        from opentelemetry.trace import set_span_in_context

        with self._lock:
            if self._ended:
                return
            turn = self._open.get(call.turn)
            if turn is None:
                began_s = call.at_s if call.speech_began_s is None else call.speech_began_s
                turn = self._begin(call.turn, call.kind, _unix_ns(began_s))
            if turn.function is not None:
                turn.function.end(_unix_ns(call.at_s))
            turn.function = self._tracer.start_span(
                "fastrtc.function",
                set_span_in_context(turn.root),
                attributes={"fastrtc.early": call.early},
                start_time=_unix_ns(call.at_s),
            )
            context.attach(set_span_in_context(turn.function))

    def on_event(self, event: ConversationEvent) -> None:
        """End the span of a function whose reply is not played."""
        if not isinstance(event, ReplyDiscarded):
            return
        with self._lock:
            turn = self._open.get(event.turn)
            function = None if turn is None else turn.function
            if turn is not None and function is not None:
                turn.function = None
                function.set_attribute("fastrtc.discarded", True)
                function.end(_unix_ns(event.at_s))

    def on_turn(self, turn: Turn) -> None:
        """Create the other spans of a turn from its record, and end it."""
        clock = _Clock(turn)
        with self._lock:
            spans = self._open.pop(turn.number, None) or self._begin(
                turn.number, turn.kind, clock.first()
            )
            self._open.pop(turn.number, None)
        self._add("fastrtc.user_speech", spans, clock, "speech_began_s", "speech_ended_s")
        by = {} if turn.ended_by is None else {"fastrtc.ended_by": turn.ended_by}
        self._add("fastrtc.end_of_turn", spans, clock, "speech_ended_s", "turn_ended_s", by)
        if spans.function is not None:
            self._end_function(spans.function, turn, clock)
        self._add("fastrtc.playout", spans, clock, "first_sent_s", "last_sent_s")
        self._describe(spans.root, turn, clock)
        spans.root.end(clock.last())

    def _begin(self, number: int, kind: str, start_ns: int) -> _OpenTurn:
        """Start the root span of a turn; the lock must be held."""
        from opentelemetry.context import Context
        from opentelemetry.trace import Link

        while len(self._open) >= MAX_OPEN:
            _end(self._open.pop(next(iter(self._open))))
        root = self._tracer.start_span(
            "fastrtc.turn",
            Context(),  # the request that made the connection is no parent
            attributes={
                **self._attributes,
                "fastrtc.turn.number": number,
                "fastrtc.turn.kind": kind,
            },
            links=[] if self._last is None else [Link(self._last)],
            start_time=start_ns,
        )
        self._last = root.get_span_context()
        turn = self._open[number] = _OpenTurn(root)
        return turn

    def _add(
        self,
        name: str,
        spans: _OpenTurn,
        clock: _Clock,
        begin: str,
        end: str,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        from opentelemetry.trace import set_span_in_context

        begin_ns, end_ns = clock.ns(begin), clock.ns(end)
        if begin_ns is None or end_ns is None:
            return
        span = self._tracer.start_span(
            name, set_span_in_context(spans.root), attributes=attributes, start_time=begin_ns
        )
        span.end(max(begin_ns, end_ns))

    def _end_function(self, span: Span, turn: Turn, clock: _Clock) -> None:
        for name in ("first_output", "first_audio"):
            at_ns = clock.ns(f"{name}_s")
            if at_ns is not None:
                span.add_event(f"fastrtc.{name}", timestamp=at_ns)
        self._set_error(span, turn)
        span.end(clock.ns("function_ended_s") or clock.last())

    def _describe(self, root: Span, turn: Turn, clock: _Clock) -> None:
        root.set_attribute("fastrtc.outcome", turn.outcome)
        root.set_attribute("fastrtc.played_s", turn.played_s)
        if turn.silence_s is not None:
            root.set_attribute("fastrtc.silence_s", turn.silence_s)
        if turn.leading_silence_s is not None:
            root.set_attribute("fastrtc.leading_silence_s", turn.leading_silence_s)
        parts = {} if turn.parts is None else turn.parts._asdict()
        for part, seconds in parts.items():
            if seconds is not None:
                root.set_attribute(f"fastrtc.part.{part}_s", seconds)
        heard_ns, interrupted_ns = clock.ns("first_heard_s"), clock.ns("interrupted_s")
        if heard_ns is not None:
            root.add_event("fastrtc.first_heard", {"fastrtc.by": str(turn.heard_by)}, heard_ns)
        if interrupted_ns is not None:
            root.add_event("fastrtc.interrupted", timestamp=interrupted_ns)
        if self._texts:
            for name, text in (("text", turn.text), ("heard_text", turn.heard_text)):
                if text:
                    root.set_attribute(f"fastrtc.{name}", text)
        self._set_error(root, turn)

    def _set_error(self, span: Span, turn: Turn) -> None:
        from opentelemetry.trace import Status, StatusCode

        if turn.error is None:
            return
        kind = turn.error.partition(":")[0]
        span.set_attribute("error.type", kind)
        span.set_status(Status(StatusCode.ERROR, turn.error if self._texts else kind))

    def _end_all(self) -> None:
        """End the spans of the turns that the end of the connection has cut."""
        with self._lock:
            self._ended = True
            turns, self._open = list(self._open.values()), {}
        for turn in turns:
            _end(turn)


def _end(turn: _OpenTurn) -> None:
    if turn.function is not None:
        turn.function.end()
    turn.root.end()


class _Clock:
    """Convert the times of a record to those of spans.

    Args:
        turn: The record.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def ns(self, name: str) -> int | None:
        """Return a time of the record in nanoseconds since 1970; None if it is unknown."""
        seconds: float | None = getattr(self._turn, name)
        if seconds is None:
            return None
        return round((self._turn.connected_at + seconds) * 1e9)

    def _known(self) -> list[int]:
        found = (self.ns(name) for name in TIMES)
        return [at for at in found if at is not None] or [round(time.time() * 1e9)]

    def first(self) -> int:
        """Return the first time of the record."""
        return min(self._known())

    def last(self) -> int:
        """Return the last time of the record."""
        return max(self._known())


TIMES = (
    "speech_began_s",
    "speech_ended_s",
    "turn_ended_s",
    "function_called_s",
    "first_output_s",
    "first_audio_s",
    "function_ended_s",
    "first_sent_s",
    "first_heard_s",
    "interrupted_s",
    "last_sent_s",
)


def _unix_ns(monotonic_s: float) -> int:
    return round((time.time() - (time.monotonic() - monotonic_s)) * 1e9)
