"""What a client configures, as options of a handler and for its functions."""

from typing import Any

import pytest

from fastrtc import AlgoOptions, AsyncStreamHandler, ReplyOnPause, SileroVadOptions
from fastrtc.core.context import Context
from fastrtc.protocols.openai_realtime import RealtimeSession, realtime_session
from fastrtc.protocols.openai_realtime.realtime_session import STATE_KEY
from fastrtc.protocols.openai_realtime.turn_detection import configure, current_detection
from fastrtc.turns.client_turns import client_turns_of
from tests.support.models import StreamingEnergy

from .sessions import Session


class Complete:
    """A turn model that finds every turn complete."""

    def complete(self, audio: Any) -> float:
        return 1.0


def replying(**options: Any) -> ReplyOnPause:
    return ReplyOnPause(iter, **{"model": StreamingEnergy()} | options)


def detection_of(handler: Any) -> Any:
    return current_detection(client_turns_of(handler), handler)


def test_the_detection_of_a_handler_is_reported():
    assert detection_of(replying()) == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": True,
        "interrupt_response": True,
    }
    assert detection_of(replying(turn_model=Complete()))["type"] == "semantic_vad"
    assert detection_of(replying(can_interrupt=False))["interrupt_response"] is False
    manual = replying(turn_detection="manual", model=None)
    assert detection_of(manual) is None
    configure({"type": "server_vad"}, client_turns_of(manual), manual)

    class Other(AsyncStreamHandler):
        async def receive(self, frame: Any) -> None: ...

        async def emit(self) -> None: ...

        def copy(self) -> "Other":
            return Other()

    assert detection_of(Other())["type"] == "server_vad"
    configure(None, None, Other())


@pytest.mark.parametrize(
    ("silence_ms", "chunk_s"), [(800, 0.9), (0, 0.4), (10_000, 5.1), (None, 0.6)]
)
def test_the_detection_of_a_client_is_used(silence_ms: int | None, chunk_s: float):
    handler = replying(algo_options=AlgoOptions(started_talking_threshold=0.25))
    turns = client_turns_of(handler)
    detection = {"type": "server_vad", "threshold": 0.7, "prefix_padding_ms": 100}
    if silence_ms is not None:
        detection["silence_duration_ms"] = silence_ms
    configure({**detection, "interrupt_response": False}, turns, handler)
    assert handler.algo_options.audio_chunk_duration == pytest.approx(chunk_s)
    assert handler.algo_options.pre_roll_s == 0.1
    assert handler.algo_options.started_talking_threshold == 0.25
    assert isinstance(handler.model_options, SileroVadOptions)
    assert handler.model_options.threshold == 0.7
    assert not handler.can_interrupt
    configure({"type": "semantic_vad"}, turns, handler)
    assert handler.can_interrupt
    assert handler.algo_options.pre_roll_s == 0.1


def test_a_function_knows_what_the_client_has_set():
    session = Session()
    tool = {"type": "function", "name": "f", "parameters": {}}
    update = {
        "instructions": "Be kind.",
        "tools": [tool],
        "output_modalities": ["text"],
        "audio": {"output": {"voice": "alloy"}, "input": None},
        "model": "other",
        "temperature": 0.8,
    }
    session.send("session.update", session=update)
    known = RealtimeSession(session.machine)
    assert (known.id, known.model, known.instructions) == ("sess_1", "other", "Be kind.")
    assert (known.tools, known.output_modality, known.voice) == ([tool], "text", "alloy")
    assert known.as_dict()["temperature"] == 0.8
    content = [{"type": "input_text", "text": "Hello"}]
    item = {"type": "message", "role": "user", "content": content}
    session.send("conversation.item.create", item=item)
    session.send("response.create")
    assert known.text == "Hello"
    assert [one["content"] for one in known.items] == [content]
    assert realtime_session(Context("id", state={STATE_KEY: known})) is known
    assert realtime_session(Context("id")) is None
    with pytest.raises(RuntimeError):
        realtime_session()
