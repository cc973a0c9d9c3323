"""Functions of the program whose parameters do not fit are refused before the first call."""

import functools
from collections.abc import Callable
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from fastrtc import Recorder, ReplyOnPause, Stream
from fastrtc.core.callbacks import check_callback
from fastrtc.testing import Call
from tests.support.models import StreamingEnergy
from tests.testing.programs import RATE, tone


class Log:
    def method(self, turn: Any) -> None: ...

    def __call__(self, turn: Any) -> None: ...


def inject(function: Any) -> Any:
    """A decorator that adds an argument."""

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return function(*args, "database")

    return call


@inject
def injected(turn: Any, database: Any) -> None: ...


async def coroutine(turn: Any, more: int = 0) -> None: ...


GOOD: list[Callable[..., Any]] = [
    lambda turn: None,
    lambda *args: None,
    Log().method,
    Log(),
    coroutine,
    injected,
    [].append,
    print,
    dict,
    functools.partial(lambda log, turn: None, "log"),
    Mock(),
    AsyncMock(),
]


@pytest.mark.parametrize("function", GOOD)
def test_functions_of_one_argument(function: Any) -> None:
    check_callback("on_turn", function, "a Turn")


BAD: list[Callable[..., Any]] = [
    lambda: None,
    lambda turn, context: None,
    lambda *, turn: None,
    Log.method,
    functools.partial(lambda log, turn: None),
]


@pytest.mark.parametrize("function", BAD)
def test_others_are_named_in_the_message(function: Any) -> None:
    with pytest.raises(TypeError, match="^on_turn must be a function of a Turn, not "):
        check_callback("on_turn", function, "a Turn")


def reply(audio: Any) -> Any:
    yield RATE, tone(0.1)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("on_connect", "a Context"),
        ("on_disconnect", "a Context and a ConnectionEnd"),
        ("on_turn", "a Turn"),
        ("on_reconnect", "a Context"),
        ("authorize", "the request"),
    ],
)
def test_a_stream_checks_its_functions(name: str, what: str) -> None:
    for function in (lambda: None, lambda one, two, three: None):
        with pytest.raises(TypeError, match=f"{name} must be a function of {what}, not"):
            Stream(
                ReplyOnPause(reply, model=StreamingEnergy()),
                modality="audio",
                mode="send-receive",
                **{name: function},
            )


def test_a_recorder_and_a_reply_check_theirs() -> None:
    with pytest.raises(TypeError, match="on_end must be a function of a RecordingEnd"):
        Recorder("{id}.ogg", on_end=lambda: None)  # type: ignore[arg-type, misc]
    with pytest.raises(TypeError, match="on_interrupt must be a function of an Interruption"):
        ReplyOnPause(reply, model=StreamingEnergy(), on_interrupt=lambda: None)  # type: ignore[arg-type, misc]


async def test_a_method_of_a_subclass_may_be_its_on_interrupt() -> None:
    """As the copy of the handler is bound to itself."""

    class Handler(ReplyOnPause):
        heard: list[float] = []  # noqa: RUF012

        def __init__(self) -> None:
            super().__init__(reply_long, model=StreamingEnergy(), on_interrupt=self.interrupted)

        def interrupted(self, heard: float) -> None:
            self.heard.append(heard)

    def reply_long(audio: Any) -> Any:
        yield RATE, tone(3.0)

    stream = Stream(Handler(), modality="audio", mode="send-receive")
    async with Call(stream) as call:
        await call.say((RATE, tone(0.8)))
        await call.reply()
        await call.wait(0.5)
        await call.say((RATE, tone(0.8)))
        await call.reply()
    assert len(Handler.heard) == 1
