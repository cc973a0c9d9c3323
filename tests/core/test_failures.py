"""Which exceptions of a callback end its connection, and which cost a frame."""

import asyncio

import pytest

from fastrtc.core.errors import HandlerExited, HandlerKeepsFailing
from fastrtc.core.failures import CallbackFailures, as_exception, contained, text_of


class Rig:
    """Failures of a callback, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.reported: list[tuple[str, Exception]] = []
        self.failures = CallbackFailures(
            "emit", lambda name, error: self.reported.append((name, error)), lambda: self.now
        )

    def fail_at(self, *times: float) -> None:
        for at in times:
            self.now = 1000.0 + at
            self.failures.failed(ValueError("broken"))


def test_each_failure_is_reported():
    rig = Rig()
    rig.fail_at(0, 1)
    assert [(name, str(error)) for name, error in rig.reported] == [("emit", "broken")] * 2


def test_5_s_without_a_success_end_it():
    rig = Rig()
    rig.fail_at(0, 1, 4.9)
    with pytest.raises(HandlerKeepsFailing) as caught:
        rig.fail_at(5)
    assert str(caught.value) == "emit has failed 4 times in 5 s without a success: broken"
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_success_begins_anew():
    rig = Rig()
    rig.fail_at(0, 1, 4.9)
    rig.failures.succeeded()
    rig.fail_at(5, 9.9)
    with pytest.raises(HandlerKeepsFailing):
        rig.fail_at(10)


def test_two_failures_far_apart_do_not_end_it():
    rig = Rig()
    rig.fail_at(0, 60)
    with pytest.raises(HandlerKeepsFailing):
        rig.fail_at(120)


def test_what_exits_ends_it_at_once_unreported():
    rig = Rig()
    error = HandlerExited("emit raised SystemExit")
    with pytest.raises(HandlerExited) as caught:
        rig.failures.failed(error)
    assert (caught.value, rig.reported) == (error, [])


class Unprintable(BaseException):
    def __str__(self):
        raise RuntimeError("there is no text")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("broken"), "broken"),
        (ValueError(), "ValueError"),
        (Unprintable(), "Unprintable"),
    ],
)
def test_there_is_a_text_for_every_exception(error, text):
    assert text_of(error) == text


def test_an_exception_stays_what_it_is():
    error = ValueError("broken")
    assert as_exception("emit", error) is error


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (SystemExit(3), HandlerExited, "emit raised SystemExit: 3"),
        (KeyboardInterrupt(), HandlerExited, "emit raised KeyboardInterrupt"),
        (asyncio.CancelledError(), HandlerExited, "emit raised CancelledError"),
        (GeneratorExit(), HandlerExited, "emit raised GeneratorExit"),
        (StopIteration(), RuntimeError, "emit raised StopIteration"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_does_more_than_an_exception_becomes_one(error, kind, text):
    made = as_exception("emit", error)
    assert (type(made), str(made), made.__cause__) == (kind, text, error)


async def test_a_cancellation_that_was_asked_for_passes():
    task = asyncio.create_task(contained("emit", asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def test_a_coroutine_that_is_closed_closes():
    closed = []

    async def user() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            closed.append(True)

    async def begin():
        coroutine = contained("emit", user())
        coroutine.send(None)
        return coroutine

    coroutine = asyncio.run(begin())
    coroutine.close()
    assert closed == [True]
