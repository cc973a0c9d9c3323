from __future__ import annotations

import asyncio
import threading
import types
from contextlib import suppress
from typing import Any

import aioice
import aiortc.rtcrtpreceiver
import pytest
from aioice import stun
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtp import RtpPacket

from fastrtc.transport.webrtc import _compat
from fastrtc.transport.webrtc._compat import (
    CONSENT_EXPIRES_S,
    CONSENT_REPEATS,
    close_connection,
    flush_messages,
    make_configuration,
    make_decoder_threads_daemons,
    negotiated_codecs,
    take_packets,
    watch_consent,
    watch_turn,
)
from tests.support.virtual_time import virtual_time

JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"


def fake(**attributes: Any) -> Any:
    return types.SimpleNamespace(**attributes)


class Sink:
    def __init__(self) -> None:
        self.packets: list[tuple[int, int, int, bytes]] = []

    def push(self, *packet: Any) -> None:
        self.packets.append(packet)


async def new_connection() -> RTCPeerConnection:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTransceiver("audio")
    pc.addTransceiver("video")
    pc.createDataChannel("text")
    return pc


# --- take_packets --------------------------------------------------------------------------------


async def test_packets_of_a_receiver_are_taken():
    pc = await new_connection()
    receiver = pc.getTransceivers()[0].receiver
    sink = Sink()
    assert take_packets(receiver, sink)
    packet = RtpPacket(payload_type=96, sequence_number=7, timestamp=960, payload=b"opus")
    packet._data = b"opus"  # as the receiver does, after it has removed the padding
    assert getattr(receiver, JITTER_BUFFER).add(packet) == (False, None)
    assert sink.packets == [(7, 960, 96, b"opus")]
    await pc.close()


@pytest.mark.parametrize("receiver", [fake(), fake(**{JITTER_BUFFER: None})], ids=["gone", "other"])
def test_a_receiver_without_that_buffer_is_left_alone(receiver):
    before = dict(vars(receiver))
    assert not take_packets(receiver, Sink())
    assert vars(receiver) == before


# --- make_decoder_threads_daemons ----------------------------------------------------------------


@pytest.fixture
def receiver_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = aiortc.rtcrtpreceiver
    monkeypatch.setattr(module, "threading", threading)
    return module


def test_decoder_threads_are_daemons(receiver_module):
    make_decoder_threads_daemons()
    changed = receiver_module.threading
    thread = changed.Thread(target=print, name="audio-decoder", args=())
    assert isinstance(thread, threading.Thread)
    assert thread.daemon
    assert changed.Event is threading.Event
    assert changed.Lock is threading.Lock  # whatever else a later version uses
    assert not threading.Thread(target=print).daemon, "threads of others stay as they are"

    make_decoder_threads_daemons()
    assert receiver_module.threading is changed


def test_an_aiortc_without_decoder_threads(receiver_module, monkeypatch):
    monkeypatch.delattr(receiver_module, "threading")
    make_decoder_threads_daemons()
    assert not hasattr(receiver_module, "threading")


# --- make_configuration --------------------------------------------------------------------------


def test_a_configuration():
    server = aiortc.RTCIceServer("stun:a")
    assert make_configuration([server], "all").iceServers == [server]
    assert make_configuration(None, "all").iceServers is None


# --- negotiated_codecs ---------------------------------------------------------------------------


async def test_the_codecs_that_were_negotiated():
    theirs, ours = await new_connection(), await new_connection()
    transceiver = ours.getTransceivers()[0]
    assert negotiated_codecs(transceiver) == []
    await ours.setRemoteDescription(await theirs.createOffer())
    codecs = negotiated_codecs(ours.getTransceivers()[0])
    assert codecs[0].name == "opus"
    assert codecs[0].payload_type == codecs[0].parameters.payloadType
    assert {codec.name for codec in codecs} >= {"opus", "pcmu", "pcma"}
    await theirs.close()
    await ours.close()


def test_no_codecs_are_known_when_the_name_is_gone():
    assert negotiated_codecs(fake()) == []


# --- flush_messages ------------------------------------------------------------------------------


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_messages_are_waited_for_until_they_are_sent():
    sctp = fake(_data_channel_queue=[1], _outbound_queue=[], _sent_queue=[])
    asyncio.get_running_loop().call_later(0.2, sctp._data_channel_queue.clear)
    sctp._sent_queue.append(1)
    asyncio.get_running_loop().call_later(0.3, sctp._sent_queue.clear)
    began = now()
    await flush_messages(fake(sctp=sctp, connectionState="connected"), 5)
    assert now() - began == pytest.approx(0.3, abs=0.02)


@virtual_time
async def test_messages_are_not_waited_for_without_end():
    pc = fake(sctp=fake(_outbound_queue=[1]), connectionState="connected")
    began = now()
    await flush_messages(pc, 0.5)
    assert now() - began == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "pc",
    [
        fake(sctp=None, connectionState="connected"),
        fake(sctp=fake(), connectionState="connected"),
        fake(sctp=fake(_outbound_queue=[1]), connectionState="failed"),
    ],
    ids=["no data channel", "names gone", "not connected"],
)
@virtual_time
async def test_where_nothing_can_be_sent_nobody_waits(pc):
    began = now()
    await flush_messages(pc, 0.5)
    assert now() == began


async def test_the_queues_have_the_names_that_are_looked_at():
    pc = await new_connection()
    for name in ("_data_channel_queue", "_outbound_queue", "_sent_queue"):
        assert hasattr(pc.sctp, name)
    await pc.close()


# --- close_connection ----------------------------------------------------------------------------


@pytest.mark.parametrize("close", [close_connection, RTCPeerConnection.close])
def test_a_connection_whose_loop_ends_is_closed(close):
    """With aiortc's own `close` for comparison: it never comes back, in 1.15 and 1.16."""
    closed, kept = [], []

    async def connect() -> None:
        one, other = await new_connection(), await new_connection()
        channel = one.createDataChannel("text")
        await one.setLocalDescription(await one.createOffer())
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription(await other.createAnswer())
        await one.setRemoteDescription(other.localDescription)
        opened = asyncio.Event()
        channel.on("open", opened.set)
        await opened.wait()

        async def until_the_loop_ends():
            try:
                yield
            finally:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(close(one), 2)
                    closed.append(one)

        kept.extend((one, other, until_the_loop_ends()))
        await anext(kept[-1])

    asyncio.run(connect())
    assert len(closed) == (close is close_connection)


# --- watch_consent -------------------------------------------------------------------------------


class Protocol:
    """Answers requests, or does not."""

    def __init__(self) -> None:
        self.answers = True
        self.asked: list[float] = []

    async def request(self, request, address, integrity_key, retransmissions):
        assert (request, address, integrity_key, retransmissions) == (
            "request", "address", b"password", CONSENT_REPEATS,
        )  # fmt: skip
        self.asked.append(now())
        for wait in (0.5, 1, 2):
            if self.answers:
                return
            await asyncio.sleep(wait)
        raise stun.TransactionTimeout


class Connection:
    """What is used of an `aioice.Connection`."""

    def __init__(self) -> None:
        self.protocol = Protocol()
        self._nominated = {1: fake(protocol=self.protocol, remote_addr="address")}
        self._query_consent_task: Any = "task"
        self.remote_password = "password"

    def build_request(self, pair, nominate):
        assert nominate is False
        return "request"

    async def query_consent(self) -> None:
        raise AssertionError("was to be replaced")


def connected(*connections: Any) -> Any:
    """A peer connection over these, the last of them for data."""
    transports = [fake(transport=fake(_connection=connection)) for connection in connections]
    return fake(
        getTransceivers=lambda: [fake(receiver=fake(transport=t)) for t in transports[:-1]],
        sctp=fake(transport=transports[-1]),
    )


@virtual_time
async def test_a_peer_that_answers_keeps_its_connection():
    connection, expired = Connection(), []
    watch_consent(connected(connection, connection), lambda: expired.append(now()))
    asking = asyncio.create_task(connection.query_consent())
    await asyncio.sleep(600)
    assert not expired
    gaps = [b - a for a, b in zip(connection.protocol.asked, connection.protocol.asked[1:])]  # noqa: B905
    assert 2 <= min(gaps) < max(gaps) <= 3
    asking.cancel()
    await asyncio.wait([asking])


@virtual_time
async def test_a_peer_that_vanished_is_noticed():
    connection, expired = Connection(), []
    watch_consent(connected(connection), lambda: expired.append(now()))
    asking = asyncio.create_task(connection.query_consent())
    await asyncio.sleep(60)
    connection.protocol.answers = False
    vanished = now()
    await asking
    (at,) = expired
    assert CONSENT_EXPIRES_S - 3 <= at - vanished <= CONSENT_EXPIRES_S + 3.5
    assert connection._query_consent_task is None


@virtual_time
async def test_some_lost_answers_do_no_harm():
    connection, expired = Connection(), []
    watch_consent(connected(connection), lambda: expired.append(now()))
    asking = asyncio.create_task(connection.query_consent())
    for _ in range(20):
        connection.protocol.answers = False
        await asyncio.sleep(7)
        connection.protocol.answers = True
        await asyncio.sleep(4)
    assert not expired
    asking.cancel()
    await asyncio.wait([asking])


def test_each_connection_is_watched_once(monkeypatch):
    first, second = Connection(), Connection()
    watch_consent(connected(first, first, second, first), lambda: None)
    assert first.query_consent.func is second.query_consent.func is _compat._query_consent


@pytest.mark.parametrize("name", ["query_consent", "build_request"])
def test_a_connection_without_those_names_is_left_alone(name):
    connection = fake(query_consent=1, build_request=1, _nominated={})
    delattr(connection, name)
    before = dict(vars(connection))
    watch_consent(connected(connection), lambda: None)
    assert vars(connection) == before


def test_a_transport_without_a_connection():
    watch_consent(connected(None), lambda: None)
    watch_consent(fake(getTransceivers=lambda: [], sctp=None), lambda: None)


async def test_the_names_that_are_used_of_aioice_are_there():
    connection = aioice.Connection(ice_controlling=True)
    for name in ("query_consent", "build_request", "_nominated", "_query_consent_task"):
        assert hasattr(connection, name)
    await connection.close()
    pc = await new_connection()
    assert len(_compat.ice_connections(pc)) >= 1
    assert all(isinstance(c, aioice.Connection) for c in _compat.ice_connections(pc))
    await pc.close()


# --- watch_turn ----------------------------------------------------------------------------------
# With a real server: tests/webrtc/test_turn.py.


async def test_turn_servers_are_asked_as_ever_where_nobody_watches(monkeypatch):
    asked = []

    async def create(*args: Any, **kwargs: Any) -> str:
        asked.append((args, kwargs))
        return "endpoint"

    monkeypatch.setattr(aioice.turn, "create_turn_endpoint", create)
    with watch_turn() as attempts:
        create_turn_endpoint = aioice.turn.create_turn_endpoint
        await asyncio.create_task(create_turn_endpoint(None, server_addr=("a", 1)))
        await create_turn_endpoint(None, ("b", 2), "user")
    assert await create_turn_endpoint(None, server_addr=("c", 3)) == "endpoint"
    assert [(attempt.server, attempt.succeeded) for attempt in attempts] == [
        ("a:1", True),
        ("b:2", True),
    ]
    assert asked[1:] == [((None, ("b", 2), "user"), {}), ((None,), {"server_addr": ("c", 3)})]
    with watch_turn():
        assert aioice.turn.create_turn_endpoint is create_turn_endpoint  # replaced only once


async def test_a_server_that_has_no_room(monkeypatch):
    async def create(*args: Any, **kwargs: Any) -> None:
        refusal = stun.Message(stun.Method.ALLOCATE, stun.Class.ERROR)
        refusal.attributes["ERROR-CODE"] = (486, "Allocation Quota Reached")
        raise stun.TransactionFailed(refusal)

    monkeypatch.setattr(aioice.turn, "create_turn_endpoint", create)
    with watch_turn() as attempts, pytest.raises(stun.TransactionFailed):
        await aioice.turn.create_turn_endpoint(None, server_addr=("a", 1))
    assert attempts[0].failure == "refused to relay: 486 Allocation Quota Reached"


def test_without_that_function_nothing_is_watched(monkeypatch):
    monkeypatch.delattr(aioice.turn, "create_turn_endpoint")
    with watch_turn() as attempts:
        assert attempts == []
    assert not hasattr(aioice.turn, "create_turn_endpoint")
