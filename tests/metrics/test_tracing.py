"""The traces of turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, get_tracer_provider

from fastrtc import ReplyOnPause, Speech, Stream
from fastrtc.metrics import conversation_id, trace
from fastrtc.testing import Call
from tests.support.models import StreamingEnergy
from tests.testing.programs import RATE, audio_stream, replying, tone
from tests.webrtc.handlers import AsyncAudioEcho

SECRET = "a secret of the speaker"
ROUNDING_NS = 1000
"""Of times in seconds since 1970, as floats."""


class Traces:
    """The spans that a stream exports."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("an LLM client")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    @property
    def turns(self) -> list[ReadableSpan]:
        return sorted(self.named("fastrtc.turn"), key=lambda span: span.start_time or 0)

    def tree(self, root: ReadableSpan) -> dict[str, Any]:
        """The names below a span."""
        assert root.context is not None
        children = [
            span
            for span in self.spans
            if span.parent is not None and span.parent.span_id == root.context.span_id
        ]
        assert all(span.context.trace_id == root.context.trace_id for span in children)
        assert all(root.start_time <= span.start_time + ROUNDING_NS for span in children)
        return {span.name: self.tree(span) for span in children}


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    """On the clock of the call: OpenTelemetry has imported the real one by its name."""
    monkeypatch.setattr("opentelemetry.sdk.trace.time_ns", lambda: round(time.time() * 1e9))
    traces = Traces()
    yield traces
    traces.provider.shutdown()


def functions(traces: Traces) -> dict[str, Any]:
    """Reply functions that call an LLM client before the first and after a later output."""

    def sync(audio: Any) -> Iterator[Any]:
        with traces.tracer.start_as_current_span("llm"):
            time.sleep(0.2)
        yield RATE, tone(0.4)
        yield RATE, tone(0.4)
        with traces.tracer.start_as_current_span("llm again"):
            time.sleep(0.1)
        yield RATE, tone(0.4)

    async def asynchronous(audio: Any) -> AsyncIterator[Any]:
        with traces.tracer.start_as_current_span("llm"):
            await asyncio.sleep(0.2)
        yield RATE, tone(0.4)
        yield RATE, tone(0.4)
        with traces.tracer.start_as_current_span("llm again"):
            await asyncio.to_thread(time.sleep, 0.1)
        yield RATE, tone(0.4)

    def wrapped(audio: Any) -> Any:
        return asynchronous(audio)

    return {"sync": sync, "async": asynchronous, "sync that returns an async one": wrapped}


@pytest.mark.parametrize("kind", ["sync", "async", "sync that returns an async one"])
async def test_each_turn_is_a_trace_with_the_spans_of_the_function(
    traces: Traces, kind: str
) -> None:
    stream = replying(functions(traces)[kind])
    trace(stream, traces.provider)
    with traces.tracer.start_as_current_span("the request"):
        async with Call(stream) as call:
            [id] = stream.handlers
            for _ in range(2):
                await call.say((RATE, tone(0.6)))
                await call.reply()
                await call.finish()
    first, second = traces.turns
    for turn in (first, second):
        assert traces.tree(turn) == {
            "fastrtc.user_speech": {},
            "fastrtc.end_of_turn": {},
            "fastrtc.function": {"llm": {}, "llm again": {}},
            "fastrtc.playout": {},
        }
        assert turn.parent is None and turn.attributes is not None
        assert turn.attributes["fastrtc.conversation.id"] == conversation_id(id)
        assert turn.attributes["gen_ai.conversation.id"] == conversation_id(id)
        assert turn.attributes["fastrtc.turn.kind"] == "reply"
        assert turn.attributes["fastrtc.outcome"] == "completed"
        silence_s = turn.attributes["fastrtc.silence_s"]
        parts = [value for name, value in turn.attributes.items() if "part." in name]
        assert sum(parts) == pytest.approx(silence_s) and 0.3 < silence_s < 2
        assert turn.attributes["fastrtc.leading_silence_s"] == pytest.approx(0.0, abs=0.02)
    assert first.context.trace_id != second.context.trace_id
    assert first.links == () and second.links[0].context == first.context
    assert "the request" in {span.name for span in traces.spans}
    assert id not in repr([span.to_json() for span in traces.spans]), "ids are secrets"
    for name, begin, end in (
        ("fastrtc.user_speech", 0.4, 0.9),
        ("fastrtc.function", 0.29, 1.5),
        ("fastrtc.playout", 1.1, 1.4),
    ):
        for span in traces.named(name):
            seconds = (span.end_time - span.start_time) / 1e9
            assert begin < seconds < end, (name, seconds)


async def test_an_early_reply_is_in_the_trace_of_its_turn(traces: Traces) -> None:
    called = 0

    def reply(audio: Any) -> Iterator[Any]:
        nonlocal called
        called += 1
        with traces.tracer.start_as_current_span(f"llm {called}"):
            yield RATE, tone(0.4)

    stream = audio_stream(ReplyOnPause(reply, model=StreamingEnergy(), early=True))
    trace(stream, traces.provider)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.finish()
    [turn] = traces.turns
    assert list(traces.tree(turn)["fastrtc.function"]) == ["llm 1"]
    [function] = traces.named("fastrtc.function")
    assert function.attributes["fastrtc.early"] is True


def saying(error: bool) -> Any:
    def reply(audio: Any) -> Iterator[Any]:
        yield Speech(RATE, tone(0.4), SECRET)
        if error:
            raise ValueError(SECRET)

    return reply


@pytest.mark.parametrize("texts", [False, True])
async def test_texts_only_when_they_are_asked_for(traces: Traces, texts: bool) -> None:
    stream = replying(saying(error=True))
    trace(stream, traces.provider, texts=texts)
    async with Call(stream, expect_errors=True) as call:
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.wait(2)
    shown = repr([span.to_json() for span in traces.spans])
    assert (SECRET in shown) is texts
    [turn] = traces.turns
    assert turn.attributes["error.type"] == "ValueError"
    assert turn.status.status_code is StatusCode.ERROR
    assert turn.attributes.get("fastrtc.text") == (SECRET if texts else None)


async def test_an_interrupted_turn_says_so(traces: Traces) -> None:
    def reply(audio: Any) -> Iterator[Any]:
        for _ in range(8):
            yield RATE, tone(0.5)

    stream = replying(reply)
    trace(stream, traces.provider)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.wait(1)
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.hang_up()
    first, second = traces.turns
    assert first.attributes["fastrtc.outcome"] == "interrupted"
    assert 0.5 < first.attributes["fastrtc.played_s"] < 2.5
    assert [event.name for event in first.events].count("fastrtc.interrupted") == 1
    assert second.end_time is not None, "the end of the connection ends its spans"
    assert len(traces.named("fastrtc.function")) == 2


async def test_the_span_of_a_function_lasts_until_the_caller_hangs_up(traces: Traces) -> None:
    async def think(audio: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(60)
        yield RATE, tone(0.5)

    stream = replying(think)
    trace(stream, traces.provider)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.wait(10)
    (turn,), (function,) = traces.turns, traces.named("fastrtc.function")
    assert turn.attributes["fastrtc.outcome"] == "interrupted"
    assert 9 < (function.end_time - function.start_time) / 1e9 < 10
    assert turn.end_time >= function.end_time - ROUNDING_NS


async def test_a_stream_is_traced_once_by_each_provider(traces: Traces) -> None:
    other = Traces()
    stream = replying(saying(error=False))
    for provider in (traces.provider, traces.provider, other.provider):
        trace(stream, provider)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.finish()
    other.provider.shutdown()
    assert len(traces.turns) == len(other.turns) == 1


@pytest.mark.parametrize("global_first", [True, False])
async def test_the_last_call_for_a_provider_decides_about_texts(
    traces: Traces, monkeypatch: pytest.MonkeyPatch, global_first: bool
) -> None:
    """The global provider is one provider, passed or not, even if it was set later."""
    stream = replying(saying(error=False))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", None)
    if not global_first:
        trace(stream)
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", traces.provider)
    trace(stream)
    trace(stream, get_tracer_provider())
    trace(stream, texts=True)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.finish()
    [turn] = traces.turns
    assert turn.attributes["fastrtc.text"] == SECRET


async def test_a_handler_without_turns_has_spans_of_its_audio(traces: Traces) -> None:
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False)
    trace(stream, traces.provider)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.wait(1)
    for turn in traces.turns:
        assert turn.attributes["fastrtc.turn.kind"] == "audio"
        assert list(traces.tree(turn)) == ["fastrtc.playout"]
