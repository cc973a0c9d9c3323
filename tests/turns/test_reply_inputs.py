"""The inputs of the client are asked for when a function needs them, and once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastrtc.handlers.inputs import PLACEHOLDER, ExtraParameters, WebRTCData
from fastrtc.handlers.link import create_link
from fastrtc.turns import reply_inputs
from fastrtc.turns.reply_inputs import ReplyInputs

AUDIO = (48000, np.zeros((1, 960), np.int16))


class Face:
    """Stands for a `ReplyOnPause` whose client answers with these inputs, or not at all."""

    phone_mode = False
    needs_args = False

    def __init__(self, fn: Callable[..., Any], *answer: Any, answers: bool = True) -> None:
        self.fn = fn
        self.latest_args: list[Any] = []
        self.asked = 0
        self._answer = [PLACEHOLDER, *answer]
        self._answers = answers
        self.link = create_link(self)
        self.link.loop = SimpleNamespace()  # type: ignore[assignment]
        self.sent: list[str] = []
        self.link.post = self.sent.append

    @property
    def _needs_additional_inputs(self) -> bool:
        return self.needs_args or ExtraParameters.from_callable(self.fn, 1).wants_inputs

    async def wait_for_args(self) -> None:
        self.asked += 1
        if not self._answers:
            await asyncio.Event().wait()
        self.latest_args = self._answer


class Reply:
    """Stands for a running reply, which waits at once."""

    superseded = False
    waits_for_inputs = False

    def __init__(self) -> None:
        self.waited = False

    def wait_for(self, begin: Callable[[], Awaitable[Any]]) -> Any:
        assert self.waits_for_inputs
        self.waited = True

        async def run() -> Any:
            return await begin()

        return asyncio.run(run())


def arguments(face: Any, inputs: ReplyInputs | None = None) -> tuple[Any, ...]:
    return (inputs or ReplyInputs(face, face.link)).arguments(Reply(), AUDIO)  # type: ignore[arg-type]


def test_a_function_of_audio_alone_gets_it_at_once() -> None:
    face = Face(lambda audio: None)
    assert arguments(face) == (AUDIO,)
    assert face.asked == 0


@pytest.mark.parametrize(
    ("fn", "values"),
    [
        (lambda audio, name: None, ("Ada",)),
        (lambda audio, name, age=0: None, ("Ada", 36)),
        (lambda audio, *more: None, ("Ada", 36, "more")),
    ],
)
def test_others_get_as_many_inputs_as_they_take(fn: Any, values: tuple[Any, ...]) -> None:
    face = Face(fn, "Ada", 36, "more")
    assert arguments(face) == (AUDIO, *values)
    assert face.asked == 1


def test_the_data_of_the_component_holds_the_audio() -> None:
    data = WebRTCData(webrtc_id="me")
    face = Face(lambda data, name: None)
    face._answer = [data, "Ada"]
    assert arguments(face) == (data, "Ada")
    assert data.audio is AUDIO


def test_the_inputs_of_a_startup_function() -> None:
    face = Face(lambda audio: None, "Ada", 36)
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    reply: Any = Reply()
    assert inputs.startup_arguments(reply, lambda: None) == ()
    assert not reply.waited
    assert inputs.startup_arguments(reply, lambda name: None) == ("Ada",)


@pytest.mark.parametrize("why", ["a telephone", "no connection"])
def test_who_cannot_answer_is_not_asked(why: str) -> None:
    face = Face(lambda audio, name="nobody": None, "Ada")
    face.phone_mode = why == "a telephone"
    if why == "no connection":
        face.link.loop = None
    assert arguments(face) == (AUDIO,)
    assert face.asked == 0


def test_a_client_that_gives_no_inputs_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reply_inputs, "DEFAULTED_INPUTS_TIMEOUT_S", 0.01)
    face = Face(lambda audio, name="nobody": None, answers=False)
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    for _ in range(3):
        assert arguments(face, inputs) == (AUDIO,)
    assert face.asked == 1
    assert [json.loads(message)["type"] for message in face.sent] == ["send_input"] * 2
    [record] = caplog.records
    assert "The client set no inputs" in record.getMessage()

    face.latest_args = [PLACEHOLDER, "Ada"]  # it has set some
    face._answers = True
    arguments(face, inputs)
    assert face.asked == 2


def test_required_inputs_are_waited_for_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_inputs, "INPUTS_TIMEOUT_S", 0.01)
    face = Face(lambda audio, name: None, answers=False)
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    for _ in range(2):
        arguments(face, inputs)
    assert face.asked == 2


def test_a_trigger_just_after_the_inputs_belongs_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(reply_inputs, "time", SimpleNamespace(monotonic=lambda: now))
    face = Face(lambda audio, name: None, "Ada")
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    reply: Any = Reply()
    assert not inputs.triggered(None) and not inputs.triggered(reply)

    reply.waits_for_inputs = True
    assert inputs.triggered(reply)
    inputs.arguments(reply, AUDIO)
    now += 0.9
    assert inputs.triggered(reply)
    reply.superseded = True
    assert not inputs.triggered(reply)
    reply.superseded = False
    now += 0.2
    assert not inputs.triggered(reply)


def test_a_trigger_after_other_inputs_or_in_the_next_reply_is_one_of_its_own() -> None:
    face = Face(lambda audio, name: None, "Ada")
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    reply: Any = Reply()
    inputs.arguments(reply, AUDIO)
    assert inputs.triggered(reply)
    face.latest_args = [PLACEHOLDER, "Grace"]
    assert not inputs.triggered(reply)

    inputs.arguments(reply, AUDIO)
    inputs.begin_reply()
    assert not inputs.triggered(reply)
