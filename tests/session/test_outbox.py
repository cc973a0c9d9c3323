"""Messages wait for a channel, and come in order from any thread."""

import asyncio
import logging
import threading

import pytest

from fastrtc.session import outbox as module
from fastrtc.session.message_history import MessageHistory
from fastrtc.session.outbox import MessageDropped, Outbox


async def test_messages_wait_for_the_channel_and_keep_their_order():
    outbox, sent = Outbox(), []
    outbox.post("1")
    outbox.post("2")
    assert sent == []

    outbox.open(sent.append)
    outbox.post("3")

    assert sent == ["1", "2", "3"]


async def test_messages_of_threads_are_sent_on_the_loop_in_order():
    outbox, sent, all_sent = Outbox(), [], asyncio.Event()

    def send(message: str) -> None:
        sent.append((message, threading.current_thread()))
        if len(sent) == 200:
            all_sent.set()

    outbox.open(send)
    threads = [
        threading.Thread(target=lambda name=name: [outbox.post(f"{name}{n}") for n in range(100)])
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    await asyncio.wait_for(all_sent.wait(), 5)
    for thread in threads:
        thread.join()

    assert {thread for _, thread in sent} == {threading.main_thread()}
    for name in "ab":
        assert [m for m, _ in sent if m[0] == name] == [f"{name}{n}" for n in range(100)]


async def test_what_is_posted_while_the_channel_opens_comes_last():
    outbox, sent = Outbox(), []

    def send(message: str) -> None:
        sent.append(message)
        if message == "1":
            outbox.post("answer to 1")

    outbox.post("1")
    outbox.post("2")
    outbox.open(send)

    assert set(sent) == {"1", "2", "answer to 1"}
    assert sent.index("1") < sent.index("2")


async def test_a_client_without_a_channel_costs_little_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog
):
    monkeypatch.setattr(module, "MAX_QUEUED", 3)
    outbox, sent = Outbox(), []
    for number in range(5):
        outbox.post(str(number))

    outbox.open(sent.append)

    assert sent == ["2", "3", "4"]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "the oldest are dropped" in record.getMessage()


async def test_a_channel_that_is_closed_is_no_error(caplog):
    caplog.set_level(logging.INFO)
    outbox = Outbox()

    def send(message: str) -> None:
        raise ConnectionError("closed")

    outbox.post("1")
    outbox.open(send)
    outbox.post("2")

    assert caplog.records == []


async def test_after_the_end_nothing_is_kept_or_sent():
    outbox, sent = Outbox(), []
    outbox.post("1")

    outbox.close()
    outbox.post("2")
    outbox.open(sent.append)
    outbox.post("3")

    assert sent == []


def test_a_message_to_a_loop_that_has_ended_is_dropped():
    outboxes = []

    async def connect() -> None:
        outboxes.append(Outbox())

    asyncio.run(connect())

    outboxes[0].post("late")


async def test_what_a_client_does_not_read_is_not_counted_and_what_a_closed_channel_takes_is():
    outbox, sent = Outbox(), []
    outbox.history = MessageHistory()
    failures = {"2": MessageDropped(), "4": ConnectionError("closed")}

    def send(message: str) -> None:
        if message in failures:
            raise failures[message]
        sent.append(message)

    outbox.open(send)
    for number in "1234":
        outbox.post(number)
    assert sent == ["1", "3"]

    again: list[str] = []
    outbox.resume(again.append, 2, None)

    assert again == ["4"]
