"""Gaps do not click, and last as long as what is missing."""

import numpy as np
import pytest

from fastrtc.audio.concealment import PacketLossConcealment

RATE, FRAME = 48000, 960


def sine(frames: int, channels: int = 1) -> np.ndarray:
    k = np.arange(frames * FRAME)
    wave = (8000 * np.sin(2 * np.pi * 440 * k / RATE + 0.9)).astype(np.int16)
    return np.stack([wave] * channels)


def step(samples: np.ndarray) -> int:
    """The greatest step from one sample to the next."""
    return int(np.abs(np.diff(samples.astype(int))).max())


def with_gap(lost: int, channels: int = 1) -> np.ndarray:
    """Three frames, a gap of so many, and one frame."""
    concealment, heard = PacketLossConcealment(), []
    frames = np.split(sine(4 + lost, channels), 4 + lost, axis=1)
    for frame in frames[:3]:
        heard.append(concealment.fill(RATE, frame, 0))
    heard.append(concealment.fill(RATE, frames[-1], lost * FRAME))
    return np.concatenate(heard, axis=1)


def test_what_follows_is_given_as_it_is() -> None:
    concealment = PacketLossConcealment()
    frame = sine(1)
    assert concealment.fill(RATE, frame, 0) is frame


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("lost", [1, 2, 5])
def test_a_gap_lasts_as_long_as_what_is_missing_and_does_not_click(
    lost: int, channels: int
) -> None:
    heard = with_gap(lost, channels)
    assert heard.shape == (channels, (4 + lost) * FRAME) and heard.dtype == np.int16
    natural = step(sine(1))
    assert step(heard) < 1.1 * natural
    with_silence = sine(4 + lost)
    with_silence[:, 3 * FRAME : -FRAME] = 0
    assert step(with_silence) > 4 * natural


def test_it_fades_within_a_packet_and_comes_back_soon() -> None:
    heard = with_gap(5)[0]
    gap = heard[3 * FRAME : 8 * FRAME]
    assert np.abs(gap[: FRAME // 2]).max() > 6000
    assert not gap[FRAME:].any()
    assert np.array_equal(heard[8 * FRAME + 240 :], sine(9)[0, 8 * FRAME + 240 :])


def test_a_gap_shorter_than_a_packet() -> None:
    concealment = PacketLossConcealment()
    concealment.fill(RATE, sine(1), 0)
    assert concealment.fill(RATE, sine(1), 100).shape == (1, FRAME + 100)


@pytest.mark.parametrize("before", [None, 2])
def test_nothing_to_go_on_with_is_silence(before: int | None) -> None:
    concealment = PacketLossConcealment()
    if before is not None:  # the layout has changed
        concealment.fill(RATE, sine(1, before), 0)
    heard = concealment.fill(RATE, sine(1), FRAME)
    assert not heard[:, :FRAME].any() and heard[:, FRAME:].any()
