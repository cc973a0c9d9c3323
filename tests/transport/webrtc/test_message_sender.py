"""Messages are sent to a client that reads, and dropped for one that does not."""

from types import SimpleNamespace

import pytest

from fastrtc.session.outbox import MessageDropped
from fastrtc.transport import stalled_client
from fastrtc.transport.webrtc.channel_messages import ChannelMessages
from fastrtc.transport.webrtc.message_sender import MessageSender
from tests.support.virtual_time import virtual_time


class Channel:
    """Stands for a data channel of aiortc, whose client reads when it is told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.bufferedAmount = 0

    def send(self, message: str) -> None:
        self.sent.append(message)
        self.bufferedAmount += len(message)


@pytest.fixture(autouse=True)
def little_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalled_client, "MAX_WAITING", 100)
    monkeypatch.setattr(stalled_client, "MAX_EVER", 1000)


@virtual_time
async def test_messages_to_a_client_that_reads_are_sent(caplog: pytest.LogCaptureFixture):
    sender, channel = MessageSender("me"), Channel()
    for number in range(100):
        sender.send(channel, f"{number}".ljust(50))
        channel.bufferedAmount -= 50
    assert [int(message) for message in channel.sent] == list(range(100))
    assert caplog.records == []


@virtual_time
async def test_those_to_a_client_that_reads_nothing_are_dropped_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
):
    sender, channel = MessageSender("me"), Channel()
    for _ in range(100):
        sender.send(channel, "x" * 50)
    assert len(channel.sent) == 21  # up to MAX_EVER
    [record] = caplog.records
    assert record.getMessage() == (
        "Session me: the client reads no messages; dropping further ones"
    )


@virtual_time
async def test_what_was_read_makes_room_again():
    sender, channel = MessageSender("me"), Channel()
    for _ in range(100):
        sender.send(channel, "x" * 50)
    channel.bufferedAmount = 0
    sender.send(channel, "again")
    assert channel.sent[-1] == "again"


@virtual_time
async def test_the_session_knows_what_was_dropped():
    messages = ChannelMessages(SimpleNamespace(id="me"))
    with pytest.raises(MessageDropped):
        messages.send("without a channel")
    messages.open(Channel(), resumes=True)
    with pytest.raises(MessageDropped):
        for _ in range(100):
            messages.send("x" * 50)
