"""A session is suspended while its client has no network, and goes on over another transport."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest

from fastrtc.core.close_reason import CloseReason
from fastrtc.core.identity import ClientRequest
from fastrtc.pacing.playout import Playout
from fastrtc.pacing.sent_audio import HeardUntil
from fastrtc.pacing.suspendable import Detached
from fastrtc.session.hooks import Hooks
from fastrtc.session.media import Media
from fastrtc.session.resumption import Resumption, Return, is_settled, lose_network
from fastrtc.session.session import State
from tests.session.rig import Handler, Rig, until


class Counting(Handler):
    """Counts its shutdowns."""

    def __init__(self) -> None:
        super().__init__()
        self.shutdowns = 0

    def shutdown(self) -> None:
        self.shutdowns += 1


class Transport:
    """A transport without a network."""

    heard_at: float | None = None
    max_unheard_s = 45.0

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.sent: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.closing = asyncio.Event()

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    def bind(self) -> None:
        self.calls.append("bind")

    def detach(self) -> None:
        self.calls.append("detach")

    def heard_until(self, heard: int | None) -> HeardUntil:
        return HeardUntil(samples=heard)

    async def close(self, reason: CloseReason) -> None:
        self.calls.append(f"close {reason.end_code}")
        await self.closing.wait()


class ResumableRig(Rig):
    """A live session that its client may resume."""

    def __init__(self, within_s: float = 30.0, on_reconnect: Any = None) -> None:
        super().__init__(Counting(), hooks=Hooks())
        session = self.session
        self.media = Media(session, "audio", "send-receive", playout=Playout(24000))
        self.first = Transport("first")
        self.resumption = session.resumption = Resumption(
            session, self.media, self.first, within_s, on_reconnect
        )

    async def __aexit__(self, *_: object) -> None:
        self.first.closing.set()
        await super().__aexit__()


async def test_a_lost_session_lives_and_goes_on_over_another_transport():
    reconnected = []
    async with ResumableRig(on_reconnect=reconnected.append) as rig:
        session, resumption = rig.session, rig.resumption
        session.outbox.post('{"type": "1"}')

        lose_network(session, rig.first, "the network is gone")
        session.outbox.post('{"type": "2"}')

        assert resumption.suspended
        assert session.state is State.LIVE
        await until(lambda: rig.first.calls == ["detach", "close closed"])
        back, request = Transport(), ClientRequest(client_host="10.0.0.2")
        resumption.take_over(Return(back, request, None, received=0))
        assert resumption.connecting
        assert back.sent == []
        resumption.established(back)
        session.outbox.post('{"type": "3"}')

        assert not resumption.suspended
        assert [message["type"] for message in back.sent] == ["1", "2", "3"]
        assert session.user_context.request is request
        await until(lambda: reconnected == [session.user_context])
        back.closing.set()
    assert session.handler.shutdowns == 1


async def test_a_second_client_evicts_the_first():
    async with ResumableRig() as rig:
        back = Transport()

        rig.resumption.take_over(Return(back))

        (message,) = rig.first.sent
        assert (message["type"], message["code"]) == ("end_stream", "replaced")
        await until(lambda: rig.first.calls == ["detach", "close replaced"])
        lose_network(rig.session, rig.first, "closed")  # as its transport reports afterwards
        assert rig.resumption.transport is back
        rig.resumption.established(back)
        assert not rig.resumption.suspended
        back.closing.set()


async def test_a_failed_attempt_leaves_the_session_waiting():
    async with ResumableRig() as rig:
        lose_network(rig.session, rig.first, "gone")
        attempt, second = Transport(), Transport()
        rig.resumption.take_over(Return(attempt))

        lose_network(rig.session, attempt, "not connected")

        assert rig.session.state is State.LIVE
        assert not rig.resumption.connecting
        rig.resumption.established(attempt)  # too late
        assert rig.resumption.suspended
        rig.resumption.take_over(Return(second))
        rig.resumption.established(second)
        assert not rig.resumption.suspended
        attempt.closing.set()
        second.closing.set()


async def test_the_secret_that_was_presented_is_valid_until_the_client_has_the_next_one():
    async with ResumableRig() as rig:
        session, resumption = rig.session, rig.resumption
        first = resumption.secrets.issue()
        lose_network(session, rig.first, "gone")
        lost, second = Transport(), Transport()
        for transport in (lost, second):
            following = resumption.secrets.replace(first)
            resumption.take_over(Return(transport))
            resumption.established(transport, confirmed=False)
            assert resumption.secrets.accepts(first)
        resumption.confirm(lost)
        assert resumption.secrets.accepts(first)

        resumption.confirm(second)

        assert not resumption.secrets.accepts(first)
        assert resumption.secrets.accepts(following)
        lost.closing.set()
        second.closing.set()


async def test_messages_wait_for_a_transport_that_cannot_send_them_yet():
    async with ResumableRig() as rig:
        session, resumption = rig.session, rig.resumption
        rig.first.heard_at = 1.0
        lose_network(session, rig.first, "gone")
        session.outbox.post('{"type": "1"}')
        attempt, second = Transport(), Transport()
        for transport in (attempt, second):
            resumption.take_over(Return(transport))
            resumption.established(transport, takes_messages=False)
            assert not resumption.suspended
            session.outbox.post('{"type": "2"}')
            if transport is attempt:  # its channel never opens
                lose_network(session, attempt, "gone")
                resumption.established(attempt)
        assert (attempt.sent, second.sent) == ([], [])

        resumption.established(second)
        resumption.established(second)

        assert [message["type"] for message in second.sent] == ["1", "2", "2"]
        attempt.closing.set()
        second.closing.set()


async def test_a_client_that_does_not_return_ends_the_session_once():
    rig = ResumableRig(within_s=0.05)
    rig.session.start()
    rig.first.closing.set()

    lose_network(rig.session, rig.first, "gone")
    await asyncio.wait_for(rig.session.closed.wait(), 10)

    assert rig.session.reason.end_code == "closed"
    assert "0.05 s" in rig.session.reason.text
    assert rig.handler.shutdowns == 1


async def test_a_client_whose_attempt_fails_after_all_has_not_ended_the_session() -> None:
    rig = ResumableRig(within_s=30.0)
    rig.session.start()
    rig.first.closing.set()
    assert is_settled(rig.session)
    back = Transport()
    back.closing.set()
    rig.resumption.take_over(Return(back))
    rig.resumption.established(back)
    assert not is_settled(rig.session)

    now = rig.session.loop.time()
    assert rig.resumption._settles_at > now + 29.0  # an attempt may take 30 s
    lose_network(rig.session, back, "closed")

    assert rig.session.state is State.LIVE
    timer = rig.resumption._timer
    assert timer is not None
    assert timer.when() > now + 29.0
    rig.session.close("enough")
    await asyncio.wait_for(rig.session.closed.wait(), 10)


async def test_a_session_waits_for_its_lost_transports_when_it_ends():
    rig = ResumableRig()
    rig.session.start()
    lose_network(rig.session, rig.first, "gone")

    rig.session.close("enough")
    await asyncio.sleep(0.05)
    assert rig.session.state is State.CLOSING
    rig.first.closing.set()

    await asyncio.wait_for(rig.session.closed.wait(), 10)


async def test_the_audio_waits_and_goes_on_at_the_sample_that_was_heard():
    ramp = np.arange(1, 9601, dtype=np.int16)[np.newaxis]
    async with ResumableRig() as rig:
        out = rig.media.audio_out
        out.push(24000, ramp)
        heard: list[np.ndarray] = []

        async def send() -> None:
            while True:
                heard.append((await out.frame()).samples)

        sending = asyncio.ensure_future(send())
        await until(lambda: len(heard) >= 5)

        lose_network(rig.session, rig.first, "gone")
        with pytest.raises(Detached):
            await sending
        queued_s = rig.media.queued_s()
        await asyncio.sleep(0.1)
        assert rig.media.queued_s() == queued_s

        back = Transport()
        rig.resumption.take_over(Return(back, heard=1000))
        rig.resumption.established(back)
        rest = [(await out.frame()).samples for _ in range(15)]

        assert np.concatenate(heard, axis=1)[0, 999] == 1000
        samples = np.concatenate(rest, axis=1)[0]
        np.testing.assert_array_equal(samples[: 9600 - 1000], ramp[0, 1000:][: len(samples)])
        back.closing.set()


async def test_the_exceptions_of_on_reconnect_are_reported():
    def fail(context: Any) -> None:
        raise ValueError("not now")

    async with ResumableRig(on_reconnect=fail) as rig:
        back = Transport()
        rig.resumption.take_over(Return(back))
        rig.resumption.established(back)

        await until(lambda: any("not now" in str(message) for message in back.sent))
        assert rig.session.state is State.LIVE
        back.closing.set()


async def test_a_session_that_cannot_be_resumed_ends_when_it_is_lost():
    async with Rig() as rig:
        lose_network(rig.session, Transport(), "the network is gone")

        assert rig.session.ended
