"""Messages wait for a channel, and come in order from any thread."""

import asyncio
import logging
import threading

import pytest

from fastrtc.session import mailbox as module
from fastrtc.session.mailbox import Mailbox


async def test_messages_wait_for_the_channel_and_keep_their_order():
    mailbox, sent = Mailbox(), []
    mailbox.post("1")
    mailbox.post("2")
    assert sent == []

    mailbox.open(sent.append)
    mailbox.post("3")

    assert sent == ["1", "2", "3"]


async def test_messages_of_threads_are_sent_on_the_loop_in_order():
    mailbox, sent, all_sent = Mailbox(), [], asyncio.Event()

    def send(message: str) -> None:
        sent.append((message, threading.current_thread()))
        if len(sent) == 200:
            all_sent.set()

    mailbox.open(send)
    threads = [
        threading.Thread(target=lambda name=name: [mailbox.post(f"{name}{n}") for n in range(100)])
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
    mailbox, sent = Mailbox(), []

    def send(message: str) -> None:
        sent.append(message)
        if message == "1":
            mailbox.post("answer to 1")

    mailbox.post("1")
    mailbox.post("2")
    mailbox.open(send)

    assert set(sent) == {"1", "2", "answer to 1"}
    assert sent.index("1") < sent.index("2")


async def test_a_client_without_a_channel_costs_little_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog
):
    monkeypatch.setattr(module, "MAX_QUEUED", 3)
    mailbox, sent = Mailbox(), []
    for number in range(5):
        mailbox.post(str(number))

    mailbox.open(sent.append)

    assert sent == ["2", "3", "4"]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "the oldest are dropped" in record.getMessage()


async def test_a_channel_that_is_closed_is_no_error(caplog):
    caplog.set_level(logging.INFO)
    mailbox = Mailbox()

    def send(message: str) -> None:
        raise ConnectionError("closed")

    mailbox.post("1")
    mailbox.open(send)
    mailbox.post("2")

    assert caplog.records == []


async def test_after_the_end_nothing_is_kept_or_sent():
    mailbox, sent = Mailbox(), []
    mailbox.post("1")

    mailbox.close()
    mailbox.post("2")
    mailbox.open(sent.append)
    mailbox.post("3")

    assert sent == []


def test_a_message_to_a_loop_that_has_ended_is_dropped():
    mailboxes = []

    async def connect() -> None:
        mailboxes.append(Mailbox())

    asyncio.run(connect())

    mailboxes[0].post("late")
