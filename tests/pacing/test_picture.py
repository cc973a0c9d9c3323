from __future__ import annotations

import numpy as np
import pytest
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from av import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fastrtc.core.errors import HandlerError
from fastrtc.pacing.frames import FrameClock
from fastrtc.pacing.picture import is_picture, to_array, to_frame

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


def halves(height: int, width: int) -> np.ndarray:
    """Red above blue, with a margin of green on the right."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2] = RED
    picture[height // 2 :] = BLUE
    picture[:, width * 3 // 4 :] = GREEN
    return picture


def middles(picture: np.ndarray) -> list[list[int]]:
    """The colours well inside the three parts, where the halved chroma does not blur them."""
    height, width, _ = picture.shape
    spots = [
        (height // 4, width // 4),
        (height * 3 // 4, width // 4),
        (height // 2, width * 7 // 8),
    ]
    return [picture[spot].tolist() for spot in spots]


def assert_close(colours: list[list[int]], expected: list[tuple[int, int, int]]) -> None:
    assert np.abs(np.array(colours) - np.array(expected)).max() <= 6  # of limited-range YUV


@pytest.mark.parametrize("size", [(48, 64), (480, 640), (720, 1280)])
def test_there_and_back(size):
    frame = to_frame(halves(*size))
    assert frame.format.name == "yuv420p"
    picture = to_array(frame)
    assert picture.dtype == np.uint8
    assert picture.shape == (*size, 3)
    assert_close(middles(picture), [RED, BLUE, GREEN])


@pytest.mark.parametrize(
    ("size", "even"), [((49, 63), (50, 64)), ((48, 63), (48, 64)), ((1, 1), (2, 2))]
)
def test_odd_sizes_are_made_even(size, even):
    picture = np.zeros((*size, 3), np.uint8)
    picture[-1, -1] = (255, 255, 255)
    frame = to_frame(picture)
    assert (frame.height, frame.width) == even
    assert to_array(frame)[-1, -1].min() > 100  # the last line repeated, not black


@pytest.mark.parametrize("encoder", [Vp8Encoder, H264Encoder])
@pytest.mark.parametrize("shape", [(49, 63, 3), (1, 1, 3), (33, 17), (48, 64, 3)], ids=str)
def test_every_size_can_be_encoded(shape, encoder):
    frame = to_frame(np.zeros(shape, np.uint8))
    frame.pts, frame.time_base = 0, FrameClock.TIME_BASE
    payloads, _ = encoder().encode(frame)
    assert payloads


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1), (47, 63)], ids=str)
def test_grey(shape):
    grey = np.full(shape, 90, np.uint8)
    picture = to_array(to_frame(grey))
    assert np.abs(picture.astype(int) - 90).max() <= 4


def test_bgra_loses_its_alpha():
    picture = halves(48, 64)
    bgra = np.concatenate([picture, np.full((48, 64, 1), 128, np.uint8)], axis=2)
    assert_close(middles(to_array(to_frame(bgra))), [RED, BLUE, GREEN])


@pytest.mark.parametrize(
    "view",
    [
        lambda p: np.flip(p, axis=0),
        lambda p: np.flip(p, axis=1),
        lambda p: np.flip(p, axis=(0, 1)),
        lambda p: p[::2, ::2],
        lambda p: p[..., ::-1],
        lambda p: p.transpose(1, 0, 2),
        np.asfortranarray,
    ],
    ids=["upside down", "mirrored", "turned", "every second", "RGB", "transposed", "Fortran"],
)
def test_views_of_any_strides(view):
    picture = halves(96, 128)
    expected = np.ascontiguousarray(view(picture))
    assert_close(middles(to_array(to_frame(view(picture)))), [tuple(c) for c in middles(expected)])


def test_arrays_that_may_not_be_written_to():
    picture = halves(48, 64)
    picture.flags.writeable = False
    assert_close(middles(to_array(to_frame(picture))), [RED, BLUE, GREEN])


def test_the_picture_of_a_frame_may_be_written_to():
    picture = to_array(to_frame(halves(48, 64)))
    picture[:] = 0  # as OpenCV draws into it
    assert not picture.any()


def test_a_frame_does_not_change_with_the_array_it_was_made_of():
    picture = halves(48, 64)
    frame = to_frame(picture)
    picture[:] = 0
    assert_close(middles(to_array(frame)), [RED, BLUE, GREEN])


def test_frames_of_other_formats():
    frame = VideoFrame.from_ndarray(halves(48, 64)[..., ::-1].copy(), format="rgb24")
    assert_close(middles(to_array(frame)), [RED, BLUE, GREEN])


def image(mode: str = "RGB") -> Image.Image:
    """The same picture as an image of Pillow."""
    return Image.fromarray(halves(48, 64)[..., ::-1].copy()).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBX", "P", "CMYK", "YCbCr", "HSV"])
def test_an_image_of_pillow_keeps_its_colors(mode):
    assert_close(middles(to_array(to_frame(image(mode)))), [RED, BLUE, GREEN])


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_an_image_of_pillow_without_colors_is_grey(mode):
    for grey in (0, 255):
        picture = to_array(to_frame(Image.new("L", (64, 48), grey).convert(mode)))
        assert np.abs(picture.astype(int) - grey).max() <= 6


@pytest.mark.parametrize("mode", ["I", "I;16", "F"])
def test_an_image_of_pillow_whose_range_is_not_known_is_refused(mode):
    with pytest.raises(HandlerError, match=f"not an image of the mode {mode}: convert it to RGB"):
        to_frame(Image.new(mode, (64, 48)))


def test_a_mask_is_black_and_white():
    mask = np.zeros((48, 64), bool)
    mask[:, 32:] = True
    picture = to_array(to_frame(mask))
    assert picture[:, :30].max() <= 6
    assert picture[:, 34:].min() >= 249


class Tensor:
    """An array of another library."""

    def __array__(self, dtype=None, copy=None):
        return halves(48, 64)


class Elsewhere:
    """A tensor on a graphics card."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("copy it to the CPU first")


class Interface:
    """An image of another library."""

    def __init__(self) -> None:
        self.kept = halves(48, 64)
        self.__array_interface__ = self.kept.__array_interface__


@pytest.mark.parametrize(
    "picture",
    [Tensor(), Interface(), memoryview(halves(48, 64)), np.ma.array(halves(48, 64))],
    ids=lambda value: type(value).__name__,
)
def test_arrays_of_other_types(picture):
    assert_close(middles(to_array(to_frame(picture))), [RED, BLUE, GREEN])


def test_what_is_masked_is_black():
    picture = np.ma.array(np.full((48, 64), 200, np.uint8), mask=np.zeros((48, 64), bool))
    picture[:, 32:] = np.ma.masked
    shown = to_array(to_frame(picture))
    assert shown[:, 34:].max() <= 6
    assert shown[:, :30].min() >= 190


@pytest.mark.parametrize("picture", [halves(4, 4), Tensor(), Interface(), image()])
def test_pictures_are_known_before_they_are_read(picture):
    assert is_picture(picture)


@pytest.mark.parametrize("value", [None, "picture", b"picture", [1], iter([1]), object()])
def test_other_values_are_not_taken_for_pictures(value):
    assert not is_picture(value)


@pytest.mark.parametrize(
    ("picture", "what"),
    [
        (np.zeros((4, 4, 3)), r"float64 of shape \(4, 4, 3\): scale it to 0 to 255"),
        (np.zeros((4, 4, 3), np.float32), r"float32 of shape .* astype\(np.uint8\)"),
        (np.zeros((4, 4, 3), np.int8), r"int8 of shape .* astype"),
        (np.zeros((4, 4, 3), np.uint16), r"uint16 of shape .* astype"),
        (np.zeros((4, 4, 3), complex), r"complex128 of shape \(4, 4, 3\)$"),
        (np.zeros((4, 4, 3), object), r"object of shape \(4, 4, 3\)$"),
        (np.zeros((4, 4), "u1,u1,u1"), r"of shape \(4, 4\)$"),
        (np.zeros((4, 4, 2), np.uint8), r"uint8 of shape \(4, 4, 2\)$"),
        (np.zeros((3, 4, 4, 3), np.uint8), r"shape \(3, 4, 4, 3\)"),
        (np.zeros((3, 480, 640), np.uint8), r"shape \(3, 480, 640\)"),
        (np.zeros(12, np.uint8), r"shape \(12,\)"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
        (np.uint8(3), r"shape \(\)"),
        (Elsewhere(), "Elsewhere, which gives no array: copy it to the CPU first"),
        ("picture", "not str"),
        (b"picture", "not bytes"),
        (None, "not NoneType"),
        ([[1, 2], [3, 4]], "not list"),
        ((halves(4, 4), halves(4, 4)), "not tuple"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_picture_is_said(picture, what):
    with pytest.raises(HandlerError, match="must be a uint8 array of shape .*" + what):
        to_frame(picture)


@settings(max_examples=30)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([None, 1, 3, 4]))
def test_any_size(height, width, channels):
    shape = (height, width) if channels is None else (height, width, channels)
    frame = to_frame(np.full(shape, 200, np.uint8))
    assert (frame.height, frame.width) == (height + height % 2, width + width % 2)
    assert np.abs(to_array(frame).astype(int) - 200).max() <= 4
