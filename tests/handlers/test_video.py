"""A video function with its options."""

import pytest

from fastrtc.handlers.video import VideoStreamHandler


def flip(frame):
    return frame[::-1]


def test_options():
    handler = VideoStreamHandler(flip)
    assert (handler.callable, handler.fps, handler.skip_frames) == (flip, 30, False)

    handler = VideoStreamHandler(flip, 10, True)
    assert (handler.fps, handler.skip_frames) == (10, True)


@pytest.mark.parametrize("fps", [0, -1])
def test_no_frames_at_all_is_a_mistake(fps: int):
    with pytest.raises(ValueError, match=f"fps must be a positive number, not {fps}"):
        VideoStreamHandler(flip, fps=fps)
