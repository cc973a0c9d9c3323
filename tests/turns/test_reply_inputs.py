"""The inputs of the client are asked for when a function needs them, and once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
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
        self.args_set = asyncio.Event()
        self.asked = 0
        self._answer = [PLACEHOLDER, *answer]
        self._answers = answers
        self.link = create_link(self)
        self.link.loop = SimpleNamespace(is_running=lambda: False)  # type: ignore[assignment]
        self.sent: list[str] = []
        self.link.post = self.sent.append

    @property
    def _needs_additional_inputs(self) -> bool:
        return self.needs_args or ExtraParameters.from_callable(self.fn, 1).wants_inputs

    async def wait_for_args(self) -> None:
        self.asked += 1
        if not self._answers:
            await asyncio.Event().wait()
        if not self.args_set.is_set():
            self.set(self._answer)

    def set(self, args: list[Any]) -> None:
        self.latest_args = args
        self.link.inputs_set += 1
        self.args_set.set()


class Reply:
    """Stands for a running reply, which waits at once."""

    superseded = False

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.waited = False
        self._meanwhile = meanwhile

    def wait_for(self, begin: Callable[[], Awaitable[Any]]) -> Any:
        self._meanwhile()
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


class Clock:
    """Stands for the module `time`."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(reply_inputs, "time", clock := Clock())
    return clock


def test_a_trigger_while_inputs_are_waited_for_and_just_after_belongs_to_them(clock: Clock) -> None:
    face = Face(lambda audio, name: None, "Ada")
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    while_waiting = []
    reply: Any = Reply(lambda: while_waiting.append(inputs.triggered()))
    assert not inputs.triggered()

    clock.now += 5
    inputs.arguments(reply, AUDIO)
    assert while_waiting == [True]
    clock.now += 0.9
    assert inputs.triggered() and inputs.triggered()
    reply.superseded = True
    assert not inputs.triggered()
    reply.superseded = False
    clock.now += 0.2
    assert not inputs.triggered()


def test_a_trigger_after_other_inputs_is_one_of_its_own(clock: Clock) -> None:
    face = Face(lambda audio, name: None, "Ada")
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    inputs.arguments(Reply(), AUDIO)  # type: ignore[arg-type]
    face.set([PLACEHOLDER, "Grace"])
    assert not inputs.triggered()


def test_inputs_of_a_startup_function_have_triggers_too(clock: Clock) -> None:
    face = Face(lambda audio: None, "Ada")
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    while_waiting = []
    reply: Any = Reply(lambda: while_waiting.append(inputs.triggered()))
    inputs.startup_arguments(reply, lambda name: None)
    assert while_waiting == [True]
    assert inputs.triggered()


def test_one_answer_may_come_after_the_reply_has_begun(clock: Clock) -> None:
    """Inputs were set already when the client was asked."""
    face = Face(lambda audio, name: None)
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    face.set([PLACEHOLDER, "typed"])
    inputs.arguments(Reply(), AUDIO)  # type: ignore[arg-type]
    assert inputs.triggered()

    face.set([PLACEHOLDER, "the answer"])
    clock.now += 0.9
    assert inputs.triggered() and inputs.triggered()
    face.set([PLACEHOLDER, "typed"])
    assert not inputs.triggered()


@pytest.mark.parametrize("sets", [1, 2])
def test_inputs_that_are_typed_long_after_a_reply_has_begun_are_a_turn(
    sets: int, clock: Clock
) -> None:
    face = Face(lambda audio, name: None)
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    face.set([PLACEHOLDER, "typed"])
    inputs.arguments(Reply(), AUDIO)  # type: ignore[arg-type]
    clock.now += 0.9 if sets == 2 else 1.1  # the first is the answer, with no trigger
    for _ in range(sets):
        face.set([PLACEHOLDER, "typed"])
    assert not inputs.triggered()


def test_the_answer_to_a_reply_that_was_interrupted_meanwhile_is_no_turn(clock: Clock) -> None:
    """A client far away answers after the speech that interrupted, or during the next reply."""

    def interrupted() -> None:
        raise CancelledError

    face = Face(lambda audio, name: None, "first")
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    for _ in range(2):
        reply: Any = Reply(interrupted)
        reply.superseded = True
        with pytest.raises(CancelledError):
            inputs.arguments(reply, AUDIO)
    clock.now += 5
    face.set([PLACEHOLDER, "first"])
    assert inputs.triggered()
    face.args_set.clear()
    inputs.arguments(Reply(), AUDIO)  # type: ignore[arg-type]
    assert inputs.triggered()
    for text in ("second", "third"):
        clock.now += 1.5
        face.set([PLACEHOLDER, text])
        assert inputs.triggered() is (text == "second")


@pytest.mark.parametrize("delay_s", [1.5, 9.0])
def test_a_client_that_answers_late_may_do_so_when_inputs_were_set(
    delay_s: float, clock: Clock
) -> None:
    def far_away() -> None:
        clock.now += delay_s

    face = Face(lambda audio, name: None, "first")
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    inputs.arguments(Reply(far_away), AUDIO)  # type: ignore[arg-type]
    clock.now += 5
    face.set([PLACEHOLDER, "typed"])
    assert not inputs.triggered()
    inputs.arguments(Reply(), AUDIO)  # type: ignore[arg-type]
    clock.now += delay_s
    face.set([PLACEHOLDER, "the answer, or what was typed long afterwards"])
    assert inputs.triggered() is (delay_s == 1.5)
    face.set([PLACEHOLDER, "typed"])
    assert not inputs.triggered()


def test_a_client_that_did_not_answer_triggers_turns(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply_inputs, "DEFAULTED_INPUTS_TIMEOUT_S", 0.01)
    face = Face(lambda audio, name="nobody": None, answers=False)
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    for _ in range(2):
        inputs.arguments(Reply(), AUDIO)  # type: ignore[arg-type]
        assert not inputs.triggered()
    face.set([PLACEHOLDER, "typed"])
    assert not inputs.triggered()


def test_inputs_of_a_reply_are_not_those_of_the_next_unless_they_are_newer() -> None:
    face = Face(lambda audio, name: None, "Ada")
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    face.args_set.set()
    inputs.expire()
    assert face.args_set.is_set(), "no reply took any"
    face.args_set.clear()
    inputs.arguments(Reply(), AUDIO)  # type: ignore[arg-type]
    taken = face.latest_args
    face.set([PLACEHOLDER, "typed"])
    inputs.expire()
    assert face.args_set.is_set()
    face.latest_args = taken
    inputs.expire()
    assert not face.args_set.is_set()


@pytest.mark.parametrize("submitted", [True, False])
def test_a_submitted_text_is_no_answer_to_a_request(submitted: bool) -> None:
    face = Face(lambda data: None)
    inputs = ReplyInputs(face, face.link)  # type: ignore[arg-type]
    face.needs_args = True
    face.set(["hello"])
    assert inputs.arguments(Reply(), AUDIO) == (AUDIO,)  # type: ignore[arg-type]
    face.set(["again"])
    face.link.submitted = submitted
    assert inputs.triggered() is not submitted
