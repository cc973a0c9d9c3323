"""Video that is not what it says: it costs its sender a picture, and nobody memory."""

import asyncio
import fractions
from typing import Any

import av
import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from fastrtc import Limits, Stream
from fastrtc.core.log_throttle import LogThrottle
from fastrtc.transport.webrtc._aiortc import picture_size
from tests.support.bystander import assert_little, bystander
from tests.support.peers import LOCAL, Client, VideoSource, eventually
from tests.transport.webrtc._aiortc.test_picture_size import encoded


class Encoded(MediaStreamTrack):
    """Sends VP8 frames as they are, over and over."""

    kind = "video"

    def __init__(self, frames: list[bytes]) -> None:
        super().__init__()
        self.frames = frames
        self.sent = 0

    async def recv(self) -> Any:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(1 / 30)
        packet = av.Packet(self.frames[self.sent % len(self.frames)])
        self.sent += 1
        packet.pts = self.sent * 3000
        packet.time_base = fractions.Fraction(1, 90000)
        return packet


def resized(frame: bytes, width: int, height: int) -> bytes:
    return frame[:6] + width.to_bytes(2, "little") + height.to_bytes(2, "little") + frame[10:]


def stream(**options: Any) -> tuple[Stream, list[Any]]:
    seen: list[Any] = []

    def note(picture: Any) -> Any:
        seen.append(picture.shape)
        return picture

    made = Stream(note, modality="video", server_rtc_configuration=LOCAL, **options)
    return made, seen


@pytest.fixture(autouse=True)
def logs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_size, "_too_large", LogThrottle())


async def test_a_switch_to_16k_is_not_followed(caplog: pytest.LogCaptureFixture) -> None:
    """65 bytes that announce 16383 x 16383: libvpx would take 0.9 GB and 4 s for each."""
    small = encoded("libvpx", 160, 120)
    bomb = resized(small, 16383, 16383)
    made, seen = stream()
    track = Encoded([small] * 10 + [bomb] * 10)
    async with bystander() as other, Client(made, video=track):
        await eventually(lambda: len(seen) >= 5)
        async with other.undisturbed() as cost:
            sent, shown = track.sent, len(seen)
            await eventually(lambda: track.sent >= sent + 40 and len(seen) >= shown + 10)
        assert_little(cost)
    assert set(seen) == {(120, 160, 3)}
    assert caplog.text.count("16383 x 16383") == 1


async def test_how_large_is_an_option() -> None:
    made, seen = stream(limits=Limits(pixels=160 * 120))
    small, large = encoded("libvpx", 160, 120), encoded("libvpx", 320, 240)
    async with Client(made, video=Encoded([large] * 5 + [small] * 5)):
        await eventually(lambda: len(seen) >= 10)
    assert set(seen) == {(120, 160, 3)}


async def test_damaged_frames_end_nothing_and_do_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    small = encoded("libvpx", 160, 120)
    damaged = [small[:10] + bytes(range(k, k + 60)) for k in range(20)]
    made, seen = stream()
    track = Encoded([small, *damaged])
    async with bystander() as other, Client(made, video=track) as client:
        async with other.undisturbed() as cost:
            await eventually(lambda: track.sent >= 60 and len(seen) >= 2)
        assert_little(cost)
        assert not client.session.ended
    assert sum("failed to decode" in record.getMessage() for record in caplog.records) <= 1


async def test_an_ordinary_camera_is_not_held_up() -> None:
    made, seen = stream()
    async with Client(made, video=VideoSource(1280, 720, fps=10)):
        await eventually(lambda: len(seen) >= 5)
    assert set(seen) == {(720, 1280, 3)}
