import contextvars
import logging
import types
from fractions import Fraction
from typing import Any

import aiortc.rtcrtpreceiver
import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpCodecParameters
from aiortc.jitterbuffer import JitterFrame

from fastrtc.core.seldom import Seldom
from fastrtc.transport.webrtc import _compat_limits
from fastrtc.transport.webrtc._compat_limits import (
    MOST_ENCODED,
    bound_decoder,
    limit_messages,
    limit_pictures,
    vp8_size,
)

QUEUE = "_RTCRtpReceiver__decoder_queue"


def encoded(codec: str, width: int, height: int) -> bytes:
    """A key frame."""
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 30), 30
    context.options = {
        "libvpx": {"deadline": "realtime", "lag-in-frames": "0"},
        "libx264": {"preset": "ultrafast", "tune": "zerolatency"},
    }[codec]
    picture = np.zeros((height * 3 // 2, width), np.uint8)
    return b"".join(map(bytes, context.encode(av.VideoFrame.from_ndarray(picture, "yuv420p"))))


def decoder(name: str, pixels: int) -> Any:
    """What a thread that was made while pictures were limited has."""
    with limit_pictures(pixels):
        context = contextvars.copy_context()
    parameters = RTCRtpCodecParameters(mimeType=f"video/{name}", clockRate=90000)
    return context.run(aiortc.rtcrtpreceiver.get_decoder, parameters)


# Pictures


@pytest.mark.parametrize("size", [(160, 120), (16383, 1), (2, 16383)])
def test_the_size_of_a_key_frame_is_read(size: tuple[int, int]):
    width, height = (n.to_bytes(2, "little") for n in size)
    assert vp8_size(encoded("libvpx", 160, 120)[:6] + width + height + b"more") == size


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 9, b"\x01\0\0\x9d\x01\x2a" + b"\0" * 9, b"\0" * 20]
)
def test_what_is_no_key_frame_has_no_size(data: bytes):
    assert vp8_size(data) is None


@pytest.mark.parametrize(("name", "codec"), [("VP8", "libvpx"), ("H264", "libx264")])
def test_a_picture_that_is_too_large_is_not_decoded_and_the_next_one_is(name: str, codec: str):
    limited = decoder(name, 320 * 240)
    small = encoded(codec, 320, 240)
    (frame,) = limited.decode(JitterFrame(small, 0)) or limited.decode(JitterFrame(small, 1))
    assert (frame.width, frame.height) == (320, 240)
    large = encoded(codec, 640, 480)
    for time in (2, 3):
        try:
            frames = limited.decode(JitterFrame(large, time))
        except av.FFmpegError:  # FFmpeg's way; aiortc asks for a key frame then
            frames = []
        assert not [one for one in frames if one.width > 320]
    frames = [f for t in (4, 5) for f in limited.decode(JitterFrame(small, t))]
    assert frames and all(one.width == 320 for one in frames)


def test_a_bomb_of_a_few_bytes_is_told_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(_compat_limits, "_too_large", Seldom())
    limited = decoder("VP8", 4096 * 2304)
    frame = encoded("libvpx", 160, 120)
    bomb = frame[:6] + b"\xff\x3f\xff\x3f" + frame[10:]
    for time in range(5):
        assert limited.decode(JitterFrame(bomb, time)) == []
        assert limited.decode(JitterFrame(b"\x01" + bytes(50), time)) == []  # no key frame
        limited.decode(JitterFrame(frame, time))
    assert [r.getMessage() for r in caplog.records] == [
        "A client's video of 16383 x 16383 is not decoded: it is too large"
    ]


def test_whoever_is_not_limited_gets_aiortcs_decoder():
    with limit_pictures(1):
        pass
    parameters = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90000)
    made = contextvars.Context().run(aiortc.rtcrtpreceiver.get_decoder, parameters)
    assert type(made).__module__.startswith("aiortc.")


def test_damaged_frames_are_not_told_of_one_by_one(caplog: pytest.LogCaptureFixture):
    with limit_pictures(1):
        pass
    theirs = logging.getLogger("test-damaged")
    theirs.addFilter(_compat_limits._DamagedFrames())
    for _ in range(50):
        theirs.warning("RTCRtpReceiver(%s) failed to decode %s frame: %s", "video", "VP8", "bad")
    theirs.warning("something else")
    assert [r.getMessage() for r in caplog.records] == [
        "RTCRtpReceiver(video) failed to decode VP8 frame: bad",
        "something else",
    ]
    assert any(
        isinstance(one, _compat_limits._DamagedFrames)
        for one in aiortc.rtcrtpreceiver.logger.filters
    )


# What waits


async def test_frames_that_wait_for_a_decoder_are_bounded_and_the_end_comes_first():
    """The end is waited for on the event loop, and a peer can cause it."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = pc.addTransceiver("video").receiver
    bound_decoder(receiver)
    waiting = getattr(receiver, QUEUE)
    for k in range(MOST_ENCODED + 10):
        waiting.put(k)
    assert list(waiting.queue) == [*range(MOST_ENCODED)]
    waiting.put(None)
    error = getattr(receiver, "_RTCRtpReceiver__decoder_error", None)
    assert error is None or error.is_set(), "the peer is asked for a key frame"
    got = [waiting.get_nowait() for _ in range(waiting.qsize())]
    assert got == [None]
    await pc.close()


async def test_a_receiver_and_a_transport_without_these_names_stay_as_they_are():
    bound_decoder(object())  # type: ignore[arg-type]
    pc: Any = types.SimpleNamespace(sctp=object())
    limit_messages(pc, 1, pytest.fail)


async def test_an_error_of_the_transport_that_is_being_closed_passes():
    async def handle(data: bytes) -> None:
        raise ConnectionError

    async def receive(chunk: Any) -> None: ...

    sctp: Any = types.SimpleNamespace(_handle_data=handle, _receive_data_chunk=receive)
    pc: Any = types.SimpleNamespace(sctp=sctp)
    limit_messages(pc, 10, pytest.fail)
    with pytest.raises(ConnectionError):
        await sctp._handle_data(b"")
