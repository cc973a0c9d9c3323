import asyncio
import types
from typing import Any

import pytest
from aioice import stun

from fastrtc.transport.webrtc._aiortc.address import (
    CHECK_INTERVAL_S,
    PATCH,
    SILENT_S,
    follow_address,
)
from tests.support.patches import without
from tests.support.virtual_time import virtual_time

HERE, THERE = ("192.0.2.1", 1000), ("192.0.2.2", 2000)


class Line:
    """A connection whose datagrams a test makes; those that begin with `!` are the client's."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answer: Any = None  # by default there is none
        self.taken: list[bytes] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.protocol: Any = types.SimpleNamespace(
            local_candidate=types.SimpleNamespace(component=1, priority=5),
            datagram_received=self._received,
            request=self._request,
        )
        self.pair: Any = types.SimpleNamespace(remote_addr=HERE, component=1)
        self.ice: Any = types.SimpleNamespace(
            _protocols=[self.protocol],
            _nominated={1: self.pair},
            check_incoming=lambda message, source, protocol: None,
            build_request=lambda pair, nominate: (pair, nominate),
            ice_controlling=False,
            remote_password="secret",
        )
        transport = types.SimpleNamespace(_connection=self.ice, _recv=self._recv)
        self.dtls: Any = types.SimpleNamespace(
            transport=transport, _handle_rtp_data=self._take, _handle_rtcp_data=self._take
        )
        follow_address(self.pc(), self._run)

    def pc(self) -> Any:
        receiver = types.SimpleNamespace(transport=self.dtls)
        transceiver = types.SimpleNamespace(receiver=receiver)
        return types.SimpleNamespace(getTransceivers=lambda: [transceiver] * 2, sctp=None)

    def _run(self, check: Any) -> asyncio.Task[Any]:
        self.tasks.append(asyncio.ensure_future(check))
        return self.tasks[-1]

    def _received(self, data: bytes, source: Any) -> None:
        if data == b"?":
            raise ValueError("no STUN")
        self.data = data

    async def _recv(self) -> bytes:
        return self.data

    async def _take(self, data: bytes, arrival_time_ms: int = 0) -> None:
        self.taken.append(data)

    async def _request(self, request: Any, to: Any, **options: Any) -> Any:
        self.asked.append(to)
        assert options["integrity_key"] == b"secret"
        if self.answer is None:
            await asyncio.sleep(3.5)
            raise stun.TransactionTimeout
        return "response", self.answer

    async def comes(self, data: bytes, source: Any, kind: str = "rtp") -> None:
        """As aiortc reads it: what cannot be decrypted is dropped."""
        self.protocol.datagram_received(data, source)
        data = await self.dtls.transport._recv()
        assert type(data) is bytes
        if data.startswith(b"!"):
            arguments = {"arrival_time_ms": 5} if kind == "rtp" else {}
            await getattr(self.dtls, f"_handle_{kind}_data")(data, **arguments)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    @property
    def sent_to(self) -> Any:
        return self.ice._nominated[1].remote_addr

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.mark.parametrize("kind", ["rtp", "rtcp"])
@virtual_time
async def test_an_address_that_answers_is_sent_to(kind: str) -> None:
    line = Line()
    line.answer = THERE
    await line.comes(b"!here", HERE, kind)
    assert not line.asked
    await line.comes(b"!there", THERE, kind)
    assert line.asked == [THERE]
    assert line.sent_to == THERE
    assert line.taken == [b"!here", b"!there"]
    await line.comes(b"!there", (*THERE, 0, 0), kind)  # as those of IPv6 are given
    assert line.asked == [THERE]


@virtual_time
async def test_one_that_does_not_answer_or_is_not_decrypted_is_not() -> None:
    line = Line()
    await line.comes(b"made up", THERE)
    assert not line.asked
    await line.comes(b"!there", THERE)
    assert line.asked == [THERE]
    await asyncio.sleep(5)
    assert line.sent_to == HERE
    line.answer = ("192.0.2.3", 3000)  # somebody else
    await line.comes(b"!there", THERE)
    assert line.asked == [THERE] * 2
    assert line.sent_to == HERE


@virtual_time
async def test_checks_are_few_and_the_last_address_is_asked() -> None:
    line = Line()
    for port in range(1000):  # in a second
        await line.comes(b"!", (THERE[0], port))
        await asyncio.sleep(0.001)
    assert len(line.asked) == pytest.approx(1 / CHECK_INTERVAL_S, abs=1)
    assert len({task for task in line.tasks if not task.done()}) == 1
    for _ in range(100):
        await line.comes(b"!", THERE)
        await asyncio.sleep(0.005)
    assert line.asked[-1] == THERE
    assert line.asked.count(THERE) == 1
    await line.end()


@virtual_time
async def test_a_check_of_ice_counts_when_the_address_before_is_silent() -> None:
    line = Line()
    line.answer = THERE
    await line.comes(b"!", HERE)
    line.ice.check_incoming("message", THERE, line.protocol)
    assert not line.tasks  # a spare path of a browser's
    await asyncio.sleep(SILENT_S + 0.1)
    line.ice.check_incoming("message", HERE, line.protocol)
    assert not line.tasks
    line.ice.check_incoming("message", THERE, line.protocol)
    await asyncio.gather(*line.tasks)
    assert line.sent_to == THERE


@virtual_time
async def test_a_connection_that_closes_meanwhile() -> None:
    line = Line()
    line.answer = THERE
    line.protocol.datagram_received(b"!", THERE)
    data = await line.dtls.transport._recv()
    await line.dtls._handle_rtcp_data(data)
    line.ice._nominated.clear()
    await asyncio.gather(*line.tasks)
    assert line.ice._nominated == {}


@virtual_time
async def test_a_datagram_that_aioice_fails_on_is_dropped(caplog: Any) -> None:
    line = Line()
    line.protocol.datagram_received(b"?", THERE)
    assert [record.levelname for record in caplog.records][:1] in ([], ["WARNING"])
    await line.comes(b"!", HERE)
    assert line.taken == [b"!"]


async def test_without_the_names_all_stays_as_it_is() -> None:
    with without(PATCH):
        line = Line()
    assert line.protocol.datagram_received == line._received
    assert line.dtls.transport._recv == line._recv
    assert line.dtls._handle_rtp_data == line.dtls._handle_rtcp_data == line._take
