import contextvars
import logging
from fractions import Fraction
from typing import Any

import aiortc.rtcrtpreceiver
import av
import numpy as np
import pytest
from aiortc import RTCRtpCodecParameters
from aiortc.jitterbuffer import JitterFrame

from fastrtc.core.log_throttle import LogThrottle
from fastrtc.transport.webrtc._aiortc import picture_size
from fastrtc.transport.webrtc._aiortc.picture_size import limit_pictures, vp8_size


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
    monkeypatch.setattr(picture_size, "_too_large", LogThrottle())
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
    theirs.addFilter(picture_size._DamagedFrames())
    for _ in range(50):
        theirs.warning("RTCRtpReceiver(%s) failed to decode %s frame: %s", "video", "VP8", "bad")
    theirs.warning("something else")
    assert [r.getMessage() for r in caplog.records] == [
        "RTCRtpReceiver(video) failed to decode VP8 frame: bad",
        "something else",
    ]
    assert any(
        isinstance(one, picture_size._DamagedFrames) for one in aiortc.rtcrtpreceiver.logger.filters
    )
