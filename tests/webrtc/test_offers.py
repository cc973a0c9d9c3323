"""Offers as browsers make them: sections without use, a bundle, data alone, and codecs."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastrtc import AsyncStreamHandler, Stream, StreamHandler, __version__
from fastrtc.session.session import State
from fastrtc.transport.webrtc import peer
from fastrtc.utils import create_message
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho, AsyncAudioVideoEcho, AudioEcho, flip


def stream_of(handler: Any, modality: str = "audio", **options: Any) -> Stream:
    return Stream(handler, modality=modality, **{"server_rtc_configuration": LOCAL, **options})


async def answer(client: Client, change: Callable[[str], str]) -> str:
    """Connect with an offer that was changed on its way, and give the answer's SDP."""
    offer = await client.offer()
    response = await client.post({**offer, "sdp": change(offer["sdp"])})
    await client.take(response)
    await client.state("connected")
    return response["sdp"]


def same(sdp: str) -> str:
    return sdp


def later_sections(change: Callable[[str], str]) -> Callable[[str], str]:
    """Change all sections but the first."""

    def changed(sdp: str) -> str:
        head, first, *rest = re.split("(?=m=)", sdp)
        return head + first + "".join(map(change, rest))

    return changed


def reject(section: str) -> str:
    return re.sub(r"^m=(audio|video) \d+", r"m=\1 0", section)


def bundle_only(section: str) -> str:
    """Without what the first section has for all of them (RFC 8829 section 5.2.1)."""
    own = r"a=(ice-|fingerprint:|setup:|candidate:|end-of-candidates|rtcp-mux).*\r\n"
    return re.sub(r"^m=(\w+) \d+(.*\r\n)", r"m=\1 0\2a=bundle-only\r\n", re.sub(own, "", section))


def directions(sdp: str) -> list[str]:
    return re.findall("a=(sendrecv|sendonly|recvonly|inactive)", sdp)


UNUSED = {
    "to receive video": (("video", "recvonly"), same),
    "a camera that is off": (("video", "inactive"), same),
    "a rejected camera": (("video", "inactive"), later_sections(reject)),
    "a second audio to receive": (("audio", "recvonly"), same),
    "bundle-only": (("video", "recvonly"), later_sections(bundle_only)),
}


@pytest.mark.parametrize(("unused", "change"), UNUSED.values(), ids=UNUSED)
@pytest.mark.parametrize("handler", [AsyncAudioEcho, AudioEcho])
async def test_a_section_that_nobody_uses_is_inactive(
    handler: Any, unused: tuple[str, str], change: Callable[[str], str]
) -> None:
    stream = stream_of(handler())
    client = Client(stream, audio=AudioSource(tone(20)))
    kind, direction = unused
    client.pc.addTransceiver(kind, direction=direction)
    assert directions(await answer(client, change)) == ["sendrecv", "inactive"]
    await eventually(lambda: len(client.loud()) >= 5)
    assert not client.video_frames
    await client.close()
    await client.over()


@pytest.mark.parametrize("audio_first", [True, False])
async def test_one_section_to_send_and_one_to_receive(audio_first: bool) -> None:
    stream = stream_of(AsyncAudioEcho())
    client = Client(stream)
    source = AudioSource(tone(20))
    if audio_first:
        client.pc.addTransceiver(source, direction="sendonly")
    client.pc.addTransceiver("audio", direction="recvonly")
    if not audio_first:
        client.pc.addTransceiver(source, direction="sendonly")
    wanted = ["recvonly", "sendonly"]
    assert directions(await answer(client, same)) == (wanted if audio_first else wanted[::-1])
    await eventually(lambda: len(client.loud()) >= 5)
    await client.close()
    await client.over()


@pytest.mark.parametrize("direction", [None, "inactive"])
@pytest.mark.parametrize("off", ["audio", "video"])
async def test_a_stream_of_both_goes_on_without_one(off: str, direction: str | None) -> None:
    stream = stream_of(AsyncAudioVideoEcho(), "audio-video")
    media: dict[str, Any] = {"audio": AudioSource(tone(20)), "video": VideoSource()}
    async with Client(stream, **{**media, off: direction}) as client:
        if off == "video":
            await eventually(lambda: len(client.loud()) >= 5)
            assert not client.video_frames
        else:
            await eventually(lambda: len(client.video_frames) >= 3)
            assert not client.audio_frames


@pytest.mark.parametrize("mode", ["send-receive", "send", "receive"])
@pytest.mark.parametrize(
    ("handler", "modality"),
    [(AsyncAudioEcho, "audio"), (AudioEcho, "audio"), (AsyncAudioVideoEcho, "audio-video")],
)
async def test_a_data_channel_alone_is_a_session(handler: Any, modality: str, mode: str) -> None:
    stream = stream_of(handler(), modality, mode=mode, concurrency_limit=1)
    async with Client(stream) as client:
        await eventually(lambda: client.session.state is State.LIVE)
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: mine.calls == ["start_up"])
        assert mine.channel is stream.data_channels[client.webrtc_id]
        await mine.send_message(create_message("hello", 1))
        await client.message("hello", 1)
        assert len(connections_of(stream).registry) == 1
        other = Client(stream)
        refusal = await other.call()
        assert refusal["meta"]["error"] == "concurrency_limit_reached"
        await other.close()
    assert mine.calls == ["start_up", "shutdown"]
    assert len(connections_of(stream).registry) == 0


async def test_a_data_channel_alone_for_a_function() -> None:
    stream = stream_of(flip, "video")
    async with Client(stream) as client:
        await eventually(lambda: client.session.state is State.LIVE)


# Codecs


@pytest.mark.parametrize(
    ("codec", "fmtp", "named"),
    [
        ("VP9/90000", "", "the offer has VP9, the server supports VP8, H264"),
        ("H264/90000", "profile-level-id=640c1f", r"H264 \(profile-level-id 640c1f\), the server"),
    ],
)
async def test_a_codec_that_cannot_be_negotiated_is_named(
    codec: str, fmtp: str, named: str
) -> None:
    def change(sdp: str) -> str:
        head, video = re.split("(?=m=video)", sdp)
        video = re.sub("a=(rtpmap|fmtp|rtcp-fb):.*\r\n", "", video)
        video = re.sub(r"(m=video \d+ \S+) .*", r"\1 100\r", video)
        return f"{head}{video}a=rtpmap:100 {codec}\r\n" + (f"a=fmtp:100 {fmtp}\r\n" if fmtp else "")

    stream = stream_of(flip, "video")
    client = Client(stream, video=VideoSource(), label=None)
    offer = await client.offer()
    with pytest.raises(ValueError, match=f"No common video codec: .*{named}"):
        await client.post({**offer, "sdp": change(offer["sdp"])})
    assert len(connections_of(stream).registry) == 0
    await client.close()


# The data channel in start_up


class Notes:
    """Notes the state of the channel in `start_up`, and sends a message there."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def copy(self) -> Any:
        return type(self)()

    def note(self) -> None:
        self.calls.append("none" if self.channel is None else self.channel.readyState)
        if self.channel is not None:
            self.channel.send(create_message("from", "start_up"))


class AsyncNotes(Notes, AsyncStreamHandler):
    async def start_up(self) -> None:
        self.note()

    async def receive(self, frame: Any) -> None:
        self.calls.append("receive")

    async def emit(self) -> Any:
        await asyncio.sleep(0.1)
        return 24000, np.zeros((1, 480), np.int16)


class SyncNotes(Notes, StreamHandler):
    def start_up(self) -> None:
        self.calls.append("none" if self.channel is None else self.channel.readyState)

    def receive(self, frame: Any) -> None:
        self.calls.append("receive")

    def emit(self) -> Any:
        return None


@pytest.mark.parametrize("handler", [AsyncNotes, SyncNotes])
@pytest.mark.parametrize("mode", ["send-receive", "send", "receive"])
async def test_the_channel_is_open_in_start_up(handler: Any, mode: str) -> None:
    stream = stream_of(handler(), mode=mode)
    audio: Any = "recvonly" if mode == "receive" else AudioSource()
    async with Client(stream, audio=audio) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: {"open", "none"} & set(mine.calls))
        assert "none" not in mine.calls
        if handler is AsyncNotes:
            await client.message("from", "start_up")


def unopened(client: Client) -> None:
    """Offer data, and open no channel that the server would hear of."""
    client.pc.createDataChannel("other", negotiated=True, id=99)


@pytest.mark.parametrize("handler", [AsyncNotes, SyncNotes])
async def test_start_up_waits_for_a_channel_that_comes_late(
    handler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "CHANNEL_TIMEOUT_S", 30.0)
    stream = stream_of(handler())
    client = Client(stream, audio=AudioSource(), label=None)
    unopened(client)
    await client.connect()
    mine = stream.handlers[client.webrtc_id]
    await eventually(stream.connection_timeouts[client.webrtc_id].is_set)
    await asyncio.sleep(0.2)
    assert mine.calls == [] and client.session.state is State.NEW
    client.pc.createDataChannel("text")
    await eventually(lambda: {"open", "receive"} <= set(mine.calls))
    assert "none" not in mine.calls
    await client.close()
    await client.over()


async def test_a_channel_that_never_opens_is_not_waited_for_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer, "CHANNEL_TIMEOUT_S", 0.1)
    stream = stream_of(AsyncNotes())
    client = Client(stream, audio=AudioSource(), label=None)
    unopened(client)
    await client.connect()
    mine = stream.handlers[client.webrtc_id]
    await eventually(lambda: {"none", "receive"} <= set(mine.calls))
    client.pc.createDataChannel("text")
    await eventually(lambda: mine.channel is not None)
    assert mine.calls.count("none") == 1
    await client.close()
    await client.over()


async def test_without_a_data_section_nothing_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer, "CHANNEL_TIMEOUT_S", 1000.0)
    stream = stream_of(AsyncNotes())
    async with Client(stream, audio=AudioSource(), label=None) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: {"none", "receive"} <= set(mine.calls))


@pytest.mark.parametrize("who", ["client", "server"])
async def test_an_end_while_the_channel_is_waited_for(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "CHANNEL_TIMEOUT_S", 1000.0)
    stream = stream_of(AsyncAudioEcho())
    client = Client(stream, audio=AudioSource(), label=None)
    unopened(client)
    await client.connect()
    mine = stream.handlers[client.webrtc_id]
    if who == "server":
        stream.clean_up(client.webrtc_id)
    await client.close()
    await client.over()
    assert mine.calls == ["shutdown"]
    assert len(connections_of(stream).registry) == 0


async def test_only_a_client_that_tells_its_version_is_told_that_of_the_server() -> None:
    stream = stream_of(AsyncAudioEcho())
    for told in ({}, {"client_version": __version__}):
        client = Client(stream, audio=AudioSource(tone(20)))
        response = await client.post({**await client.offer(), **told})
        assert set(response) == {"sdp", "type"} | ({"server_version"} if told else set())
        assert response.get("server_version", __version__) == __version__
        await client.take(response)
        await client.state("connected")
        await client.close()
        await client.over()
