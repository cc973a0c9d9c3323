"""The pictures of both sides, by position."""

import numpy as np
import pytest
from av import VideoFrame

from fastrtc.recording.events import Picture, Side
from fastrtc.recording.pictures import Pictures

SIZE = (64, 48)


def picture(gray: int, width: int = 64, height: int = 48) -> VideoFrame:
    return VideoFrame.from_ndarray(np.full((height, width, 3), gray, np.uint8), format="bgr24")


def shown(pictures: Pictures, until_s: float) -> list[np.ndarray]:
    """The brightness of each frame, shape `(48, 128)`."""
    return [frame.to_ndarray(format="gray").astype(int) for frame in pictures.frames(until_s)]


def levels(frames: list[np.ndarray]) -> list[tuple[int, int]]:
    return [(round(f[24, 32] / 10) * 10, round(f[24, 96] / 10) * 10) for f in frames]


def show(
    pictures: Pictures,
    side: Side,
    at_s: float,
    gray: int,
    delay_s: float = 0.0,
    audio_s: float | None = None,
) -> None:
    pictures.add(Picture(side, at_s + 900, 100 + at_s + delay_s, picture(gray), audio_s))


def test_each_side_at_the_time_of_its_own_clock() -> None:
    pictures = Pictures(("received", "played"), SIZE, 10)
    assert (pictures.width, pictures.height) == (128, 48)
    pictures.start(100.0, 100.0)
    show(pictures, "received", 0.2, 100)
    show(pictures, "received", 0.4, 200, delay_s=0.15)  # jitter
    show(pictures, "played", 0.5, 150)
    assert levels(shown(pictures, 0.3)) == [(0, 0), (0, 0), (100, 0)]
    assert levels(shown(pictures, 0.7)) == [(100, 0), (200, 0), (200, 150), (200, 150)]


def test_nothing_is_shown_between_two_stretches() -> None:
    pictures = Pictures(("received", "played"), SIZE, 10)
    pictures.start(100.0, 100.0)
    show(pictures, "received", 0.0, 200)
    show(pictures, "received", 0.5, 100)  # after the stop
    pictures.stop(100.3)
    frames = list(pictures.frames(0.3))
    pictures.start(100.0, 105.0)
    show(pictures, "received", 5.0, 150)
    frames += pictures.frames(5.1)
    times = [frame.pts for frame in frames]
    assert times[:4] == [0, 1, 2, 3]
    assert len(times) < 20 and times[-1] == 50  # a frame per second in between
    grays = [round(int(f.to_ndarray(format="gray")[24, 32]) / 10) * 10 for f in frames]
    assert grays[:4] == [200, 200, 200, 0]
    assert grays[-1] == 150 and not any(grays[4:-1])


def test_a_picture_keeps_its_shape() -> None:
    pictures = Pictures(("received", "played"), SIZE, 10)
    pictures.start(100.0, 100.0)
    pictures.add(Picture("played", 0.0, 100.0, picture(200, 400, 100)))  # 64 x 16
    pictures.add(Picture("received", 0.0, 100.0, picture(100, 31, 77)))  # 18 x 48
    (frame,) = shown(pictures, 0.1)
    assert frame.shape == (48, 128)
    bright = np.argwhere(frame[:, 64:] > 150)
    assert bright.min(axis=0).tolist() == [16, 0] and bright.max(axis=0).tolist() == [31, 63]
    columns = np.flatnonzero(frame[24, :64] > 80)
    assert columns[0] == 22 and columns[-1] == 39


def test_frames_that_wait_are_bounded() -> None:
    pictures = Pictures(("received",), SIZE, 10)
    pictures.start(100.0, 100.0)
    for n in range(5000):
        show(pictures, "received", n / 30, n % 200)
    assert len(pictures._sources["received"]._waiting) == 100


def test_pictures_that_come_late_are_shown_with_the_audio_of_their_moment() -> None:
    pictures = Pictures(("received", "played"), SIZE, 10)
    pictures.start(100.0, 100.0)
    pictures.align(-4900.0)  # the audio of RTP time 5000 is that of 100 s
    for n, gray in enumerate((100, 150, 200)):
        show(pictures, "received", n / 10, gray, delay_s=0.3, audio_s=5000 + n / 10)
        show(pictures, "played", n / 10, gray)
    assert pictures.late_s(100.5) == pytest.approx(0.3)
    assert levels(shown(pictures, 0.3)) == [(100, 100), (150, 150), (200, 200)]


def test_video_that_has_stopped_or_is_of_the_stretch_before_is_not_waited_for() -> None:
    pictures = Pictures(("received",), SIZE, 10)
    pictures.start(100.0, 100.0)
    pictures.align(-4900.0)
    show(pictures, "received", 0.0, 100, delay_s=0.3, audio_s=5000.0)
    assert pictures.late_s(101.2) == pytest.approx(0.3)
    assert pictures.late_s(101.4) == 0.0
    pictures.start(100.0, 100.6)
    assert pictures.late_s(100.7) == 0.0


def test_pictures_follow_the_audio_when_it_moves() -> None:
    pictures = Pictures(("received",), SIZE, 10)
    pictures.start(100.0, 100.0)
    pictures.align(-4900.0)
    show(pictures, "received", 0.0, 100, audio_s=5000.0)
    show(pictures, "received", 0.1, 200, audio_s=5000.1)
    pictures.align(-4899.8)  # a silence was inserted
    assert pictures.late_s(100.2) == 0.0
    grays = [round(frame[24, 32] / 10) * 10 for frame in shown(pictures, 0.4)]
    assert grays == [0, 0, 100, 200]


@pytest.mark.parametrize("offset_s", [None, -4898.9, -4901.1])
def test_without_the_audio_or_far_from_it_pictures_are_placed_by_arrival(
    offset_s: float | None,
) -> None:
    pictures = Pictures(("received", "played"), SIZE, 10)
    pictures.start(100.0, 100.0)
    pictures.align(offset_s)
    show(pictures, "received", 0.1, 200, audio_s=5000.1)
    assert pictures.late_s(100.2) == 0.0
    assert levels(shown(pictures, 0.3)) == [(0, 0), (200, 0), (200, 0)]


def test_a_picture_from_before_the_consent_is_left_out_even_if_it_comes_later() -> None:
    pictures = Pictures(("received", "played"), SIZE, 10)
    pictures.start(100.0, 100.2)
    pictures.align(-4900.0)
    show(pictures, "received", 0.1, 200, delay_s=0.3, audio_s=5000.1)
    show(pictures, "received", 0.3, 100, delay_s=0.3, audio_s=5000.3)
    assert levels(shown(pictures, 0.4)) == [(0, 0), (0, 0), (0, 0), (100, 0)]
