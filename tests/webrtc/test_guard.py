"""An exception in any of our callbacks that aiortc, aioice and pyee call costs no connection.

The callbacks are found by running a call: what is called from a frame of theirs, and is not the
guard, is not guarded; what the guard calls is a callback, in which each test then throws once.
"""

import ast
import asyncio
import functools
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import aioice
import aiortc
import numpy as np
import pyee
import pytest

import fastrtc
from fastrtc import Stream
from fastrtc.transport.webrtc import guard
from fastrtc.transport.webrtc._aiortc import consent
from tests.support.peers import LOCAL, AudioSource, Client, Network, VideoSource, eventually, tone
from tests.webrtc.handlers import AsyncAudioVideoEcho

OURS = str(Path(fastrtc.__file__).parent)
THEIRS = tuple(str(Path(module.__file__).parent) for module in (aioice, aiortc, pyee))
GUARD = str(Path(guard.__file__))

CALLBACKS = {
    "_IceGuard._admits",
    "_IceGuard._is_authentic",
    "_IceGuard._may_send",
    "limit_sctp.<locals>.admits",
    "limit_sctp.<locals>.clip",
    "limit_streams.<locals>.has_room",
    "limit_streams.<locals>.note",
    "PacketTap.add",
    "_DirectTransport._take",
    "AudioMediaCallback.recv_encoded",
    "AudioReceiver._deliver_one",
    "AudioReceiver._gap_ends",
    "Peer._channel_opened",
    "Peer._message",
    "Peer._state_changed",
    "Peer.on_channel.<locals>.call_back",
    "VideoMediaCallback.recv",
    "Follower._checked",
    "Follower._decrypted",
    "_Bounded.put",
    "_SentReports.note",
    "_verify",
    "_verify.<locals>.is_accepted",
    "_without_others",
    "_Captures.correct",
    "_Captures.encoded",
    "_Encoder.adapt",
    "_LimitedVp8._is_too_large",
    "_limited",
    "_note",
    "_query_consent",
    "_set_ciphers",
    "_stop_if_closed",
    "limit_messages.<locals>.handle_data",
    "limit_messages.<locals>.too_much",
}
"""The callbacks of a call that nothing is wrong with."""

WRAPPED = {"limit_messages.<locals>.handle_data"}
"""Guarded where it is handed over, and not by a decorator."""

RARE = {
    "AudioMediaCallback.recv",  # with other codecs than Opus
    "ClientPeer._channel_closed",  # of the Python client
    "ClientPeer._channel_opened",
    "ClientPeer._consent_expired",
    "ClientPeer._message",
    "ClientPeer._state_changed",
    "Diagnostics.log_failure",  # of a connection that is not established
    "MediaCallback.stop",  # when all is over
    "Peer._abused",  # tests/abuse/test_channels.py
    "Peer._consent_expired",  # the session is closed then
    "_DamagedFrames.filter",
    "Figures._of",  # of Stream.stats
    "Follower._ask",  # tests/faults/test_rebinding.py
    "ask_peer",  # for a session that is resumed: tests/webrtc/test_resume.py
    "_address_of",  # only with a TURN server, as are the next two
    "_give_up_soon",
    "_why",
    "local_candidates",  # of a diagnosis
    "read_ice",
    "_MediaStreams.note",  # of a recorded session, as is the next one
    "watch_sender_reports.<locals>.note",
    "watch_reports.<locals>.note",  # after seconds: _aiortc/test_receiver_reports.py
}
"""Guarded, but called only when something is wrong."""

TRANSPARENT = {
    "_accepting.<locals>.create_ssl_context",
    "_DecoderThread.join",
    "_Frames.put",
    "_Put.__await__",
    "_IceGuard._check_start",
    "_IceGuard._gather_candidates",
    "_IceGuard._hook.<locals>.hooked",
    "_IceGuard._guard.<locals>.datagram_received",
    "_IceGuard._guard.<locals>.send_stun",
    "_NackGenerator.add",
    "_NackGenerator.missing",
    "_limit_jumps.<locals>.handle_rtp_packet",
    "limit_receiver.<locals>.run_rtcp",
    "limit_sctp.<locals>.handle_data",
    "limit_sctp.<locals>.receive_sack_chunk",
    "limit_sctp.<locals>.receive_forward_tsn_chunk",
    "limit_sender.<locals>.handle_rtcp_packet",
    "_limit_retransmissions.<locals>.retransmit_some",
    "_limit_key_frames.<locals>.send_key_frame_now_and_then",
    "limit_streams.<locals>.handle_rtcp_data",
    "limit_streams.<locals>.handle_rtp_data",
    "limit_streams.<locals>.receive_next",
    "before_sent_rtcp.<locals>.send_rtcp",
    "_verifying.<locals>.start_verified",
    "_verifying.<locals>.start_verified.<locals>.do_handshake",
    "_verifying.<locals>.start_verified.<locals>.validate_peer_identity",
    "report_captures.<locals>.next_encoded_frame",
    "_recording.<locals>.create_ssl_context",
    "_DecoderThread.__init__",  # what a thread is made of
    "_LimitedLater.decode",
    "_LimitedVp8.__init__",
    "_LimitedVp8.decode",  # calls a guarded function and aiortc's own, whose exceptions pass
    "Follower.watch.<locals>.check",
    "Follower.watch_media.<locals>.handle_rtcp",
    "Follower.watch_media.<locals>.handle_rtp",
    "Follower.watch_media.<locals>.recv",
    "_datetime",  # clocks
    "_ms",
    "_ntp_time",
    "_time",
    "_limiting.<locals>.get_limited_decoder",
    "limit_messages.<locals>.receive_data_chunk",
}
"""Called by aiortc without the guard, for nothing in them but what they call can raise."""


class Watch:
    """Sees each call of a function of ours, and throws in one of them, once."""

    def __init__(self, target: str | None = None) -> None:
        self.target = target
        self.thrown = 0
        self.unguarded: set[str] = set()
        self.guarded: set[str] = set()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if not frame.f_code.co_filename.startswith(OURS) or frame.f_back is None:
            return
        name, caller = _name(frame), frame.f_back.f_code.co_filename
        if caller == GUARD and frame.f_back.f_code.co_name == "call" and name != "log_failure":
            self.guarded.add(name)
            if name == self.target and not self.thrown:
                self.thrown += 1
                raise RuntimeError("thrown by the test")
        elif caller.startswith(THEIRS) and frame.f_code.co_filename != GUARD:
            self.unguarded.add(name)


def _name(frame: FrameType) -> str:
    """The qualified name of the function; empty for a lambda or a comprehension."""
    code = frame.f_code
    if sys.version_info >= (3, 11):
        return "" if code.co_name.startswith("<") else code.co_qualname
    return _qualified().get((code.co_filename, code.co_firstlineno)) or ""


def _functions() -> Iterator[tuple[str, str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The file, the qualified name and the definition of each function of ours."""

    def below(node: ast.AST, path: str, prefix: str) -> Iterator[Any]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, prefix + child.name, child
                yield from below(child, path, f"{prefix}{child.name}.<locals>.")
            else:
                inner = f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix
                yield from below(child, path, inner)

    for path in Path(OURS).rglob("*.py"):
        yield from below(ast.parse(path.read_text(encoding="utf-8")), str(path), "")


@functools.cache
def _qualified() -> dict[tuple[str, int], str]:
    """The qualified names of functions by their files and first lines."""
    return {
        (path, min([node.lineno, *(d.lineno for d in node.decorator_list)])): name
        for path, name, node in _functions()
    }


@contextmanager
def watching(target: str | None = None) -> Iterator[Watch]:
    watch = Watch(target)
    before = sys.gettrace()
    threading.settrace(watch)  # aiortc decodes in threads
    sys.settrace(watch)
    try:
        yield watch
    finally:
        sys.settrace(before)
        threading.settrace(before)  # type: ignore[arg-type]


@asynccontextmanager
async def calling() -> AsyncIterator[Client]:
    """A call with everything: sound and pictures both ways, messages, packets lost."""
    stream = Stream(
        AsyncAudioVideoEcho(),
        modality="audio-video",
        mode="send-receive",
        server_rtc_configuration=LOCAL,
    )
    audio, video = AudioSource(np.tile(tone(1.0), 30)), VideoSource()
    async with Client(stream, audio=audio, video=video) as client:
        client.shape_network(Network(lose_every=20))
        await eventually(lambda: client.channel.readyState == "open")
        yield client


async def goes_on(client: Client) -> None:
    """Wait until the client has heard another half second, and was answered."""
    heard = len(client.loud())
    await eventually(lambda: len(client.loud()) >= heard + 25)
    assert client.states == ["connecting", "connected"]
    assert not client.session.ended


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch, fast_consent: None) -> None:
    monkeypatch.setattr(consent, "CONSENT_EXPIRES_S", 10.0)
    guard._throttles.clear()


async def test_each_callback_is_guarded() -> None:
    with watching() as watch:
        async with calling() as client:
            client.channel.send("hello")
            await client.message("log", "Server received: hello")
            await eventually(lambda: client.video_frames)
            await goes_on(client)
            await eventually(lambda: watch.guarded >= CALLBACKS)
    assert watch.unguarded <= TRANSPARENT, "called by aiortc without the guard"
    assert watch.guarded <= CALLBACKS | RARE, "not in CALLBACKS: no test throws in it"


def test_each_guarded_function_is_known() -> None:
    names = {
        name
        for _, name, node in _functions()
        if any(_is_guard(decorator) for decorator in node.decorator_list)
    }
    assert names == (CALLBACKS | RARE) - WRAPPED


def _is_guard(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Name) and function.id in guard.__all__


@pytest.mark.parametrize("callback", sorted(CALLBACKS))
async def test_an_exception_in_a_callback_costs_no_connection(
    callback: str, errors: Callable[[], list[logging.LogRecord]]
) -> None:
    with watching(callback) as watch:
        async with calling() as client:
            assert client.channel is not None
            sends = asyncio.ensure_future(_send_again_and_again(client))
            await eventually(lambda: watch.thrown)
            await goes_on(client)
            await eventually(lambda: client.video_frames)
            sends.cancel()
    (logged,) = errors()
    assert logged.name == "fastrtc.transport.webrtc.guard"
    assert logged.getMessage() == f"{callback} failed; the connection continues"
    assert "thrown by the test" in str(logged.exc_info[1])  # type: ignore[index]


async def _send_again_and_again(client: Client) -> None:
    while True:
        client.channel.send("hello")
        await asyncio.sleep(0.1)


async def test_exceptions_of_the_programs_own_listeners_cost_no_connection(
    errors: Callable[[], list[logging.LogRecord]],
) -> None:
    def throw(*arguments: Any) -> None:
        raise RuntimeError("thrown by the program")

    async def throw_later(*arguments: Any) -> None:
        throw()

    async with calling() as client:
        await eventually(lambda: client.webrtc_id in client.stream.data_channels)
        channel = client.stream.data_channels[client.webrtc_id]
        channel.on("message", throw)
        channel.on("message", throw_later)
        client.stream.connections[client.webrtc_id][0].on("ended", throw)
        client.stream.pcs[client.webrtc_id].on("connectionstatechange", throw)
        client.channel.send("hello")
        await client.message("log", "Server received: hello")
        await eventually(errors)
        await goes_on(client)
    assert {record.getMessage() for record in errors()} == {
        "A listener of RTCDataChannel failed; the connection continues",
        "A listener of AudioCallback failed; the connection continues",
        "A listener of RTCPeerConnection failed; the connection continues",
    }
