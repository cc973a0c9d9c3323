import asyncio
import logging

import pytest
from aiortc.mediastreams import MediaStreamError
from pyee.asyncio import AsyncIOEventEmitter

from fastrtc.transport.webrtc import guard
from fastrtc.transport.webrtc.guard import guarded, guarded_async, retried, watch_listeners


@pytest.fixture(autouse=True)
def nothing_logged_yet() -> None:
    guard._throttles.clear()


def test_an_exception_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    @guarded("instead")
    def divide(by: int) -> float:
        return 1 / by

    assert divide(2) == 0.5
    assert not caplog.records
    assert divide(by=0) == "instead"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "divide failed; the connection continues" in record.getMessage()
    assert "ZeroDivisionError" in caplog.text


def test_it_is_logged_once_a_minute_for_each_callback(caplog: pytest.LogCaptureFixture) -> None:
    @guarded(None)
    def first() -> None:
        raise ValueError

    @guarded(None)
    def second() -> None:
        raise ValueError

    for _ in range(5):
        first()
    second()
    assert [record.getMessage().split(" ")[0].split(".")[-1] for record in caplog.records] == [
        "first",
        "second",
    ]


async def test_a_coroutine(caplog: pytest.LogCaptureFixture) -> None:
    @guarded_async("instead", passes=(ConnectionError,))
    async def throw(error: BaseException | None) -> str:
        if error is not None:
            raise error
        return "fine"

    assert await throw(None) == "fine"
    assert await throw(ValueError()) == "instead"
    assert len(caplog.records) == 1
    for passes in (ConnectionResetError, asyncio.CancelledError):
        with pytest.raises(passes):
            await throw(passes())
    assert len(caplog.records) == 1


async def test_a_coroutine_that_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = [asyncio.CancelledError(), MediaStreamError(), KeyError("no")]

    @retried(0)
    async def throw() -> str:
        if errors:
            raise errors.pop()
        return "fine"

    with pytest.raises(MediaStreamError):
        await throw()
    assert len(caplog.records) == 1
    assert "KeyError: 'no'" in caplog.text
    with pytest.raises(asyncio.CancelledError):
        await throw()
    assert await throw() == "fine"


async def test_listeners_of_an_emitter(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    class Channel(AsyncIOEventEmitter):
        pass

    def throw(message: str) -> None:
        raise ValueError(message)

    async def throw_later(message: str) -> None:
        raise KeyError(message)

    channel = Channel()
    watch_listeners(channel)
    for listener in (throw, throw_later, heard.append):
        channel.on("message", listener)
    channel.emit("message", "a")
    await channel.wait_for_complete()
    await asyncio.sleep(0)
    assert heard == ["a"]
    assert [record.getMessage() for record in caplog.records] == [
        "A listener of Channel failed; the connection continues"
    ]
    assert "ValueError: a" in caplog.text
