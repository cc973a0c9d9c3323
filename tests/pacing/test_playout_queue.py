"""The queue of the playout: formats, and audio that is put back."""

import numpy as np
import pytest

from fastrtc.pacing.playout_queue import PlayoutQueue

from .player import FRAME, ramp


def queue(*rates: int, most_channels: int = 1, whole_chunks: bool = False) -> PlayoutQueue:
    return PlayoutQueue(rates or (48000,), most_channels, 0.1, whole_chunks=whole_chunks)


def pop_all(queue: PlayoutQueue) -> np.ndarray:
    frames = []
    while queue.fill():
        frames.append(queue.pop())
    return np.concatenate(frames, axis=1)


def test_audio_comes_out_in_frames_in_order() -> None:
    made = queue()
    for start in (1, 1001, 2001):
        made.push(48000, ramp(1000, start)[np.newaxis])
    assert made.seconds == pytest.approx(3000 / 48000)
    assert pop_all(made)[0].tolist() == ramp(3 * FRAME).tolist()
    assert made.has_rest and not made.fill() and made.starved
    assert made.pop()[0, : 3000 - 3 * FRAME].tolist() == ramp(3000)[3 * FRAME :].tolist()


def test_only_the_audio_that_is_due_is_converted() -> None:
    made = queue()
    made.push(24000, np.zeros((1, 24000 * 60), np.int16))
    made.fill()
    made.pop()
    assert made.seconds == pytest.approx(59.98, abs=0.01)
    assert len(made._chunks) == 1 and made._chunk_s == pytest.approx(59.9)


def test_frames_that_are_put_back_come_out_again_first() -> None:
    made = queue()
    made.push(48000, ramp(4800)[np.newaxis])
    made.fill()
    taken = np.concatenate([made.pop(), made.pop()], axis=1)
    made.put_back(taken)
    assert made.has_audio and made.seconds == pytest.approx(0.1)
    assert pop_all(made)[0].tolist() == ramp(4800).tolist()


def test_the_format_widens_with_what_is_pushed() -> None:
    made = queue(24000, 48000, most_channels=2)
    made.push(24000, ramp(480)[np.newaxis])
    made.fill()
    assert made.pop().shape == (1, 480)
    made.push(48000, np.ones((2, 960), np.int16))
    made.fill()
    assert made.rate == 48000 and made.pop().shape == (2, 960)
    assert made.silence().shape == (2, 960)


def test_a_whole_chunk_is_one_frame() -> None:
    made = queue(whole_chunks=True)
    made.push(48000, ramp(123)[np.newaxis])
    made.fill()
    assert made.pop()[0].tolist() == ramp(123).tolist()


def test_cleared_it_is_empty() -> None:
    made = queue()
    made.push(24000, ramp(4800)[np.newaxis])
    made.fill()
    made.clear()
    assert not made.has_audio and made.seconds == 0 and made.flushed
