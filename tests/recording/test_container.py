"""Ogg, MP4 and WebM, read by FFmpeg while they are written and when they are complete."""

import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from fastrtc.recording.container import ContainerSink
from fastrtc.recording.pictures import Pictures
from fastrtc.recording.sink import open_sink

from .sound import RATE, block, read, tone

BLOCK = RATE // 5


def write(sink: ContainerSink, pictures: Pictures | None, seconds: float) -> Iterator[float]:
    """Write a tone on the left and another on the right; yield how much there is."""
    sound = np.stack((tone(seconds, 400), tone(seconds, 1000)))
    for start in range(0, sound.shape[1], BLOCK):
        sink.write(block(*sound[:, start : start + BLOCK]))
        if pictures is not None:
            for frame in pictures.frames((start + BLOCK) / RATE):
                sink.write_picture(frame)
        sink.flush()
        yield (start + BLOCK) / RATE


@pytest.mark.parametrize("suffix", [".ogg", ".opus", ".mp4", ".webm"])
def test_a_file_is_readable_up_to_half_a_second_before(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"call{suffix}"
    video = suffix in (".mp4", ".webm")
    pictures = Pictures(("received", "played"), (64, 48), 15) if video else None
    sink = ContainerSink(path.open("w+b", buffering=0), suffix, audio=True, pictures=pictures)
    for written_s in write(sink, pictures, 3):
        if written_s in (1.0, 2.0):
            copy = tmp_path / f"killed{suffix}"
            copy.write_bytes(path.read_bytes())
            assert read(copy).shape[1] / RATE > written_s - 0.45
    sink.close()
    assert sink.size() == path.stat().st_size
    samples = read(path)
    assert samples.shape[1] / RATE == pytest.approx(3, abs=0.03)
    for channel, frequency in ((0, 400), (1, 1000)):
        spectrum = np.abs(np.fft.rfft(samples[channel, RATE : 2 * RATE].astype(float)))
        other = 1000 if frequency == 400 else 400
        assert np.argmax(spectrum) == frequency
        assert spectrum[other - 3 : other + 4].max() < spectrum[frequency] / 100  # no crosstalk
    if video:
        with av.open(str(path)) as container:
            frames = list(container.decode(video=0))
        assert len(frames) == 45
        times = [float(frame.pts * frame.time_base) for frame in frames]
        assert (
            np.abs(np.array(times) - np.arange(45) / 15).max() < 0.01
        )  # Opus begins 6.5 ms earlier
        assert (frames[0].width, frames[0].height) == (128, 48)


@pytest.mark.parametrize("suffix", [".ogg", ".webm"])
def test_a_disk_that_is_full(suffix: str) -> None:
    pictures = Pictures(("received",), (64, 48), 15) if suffix == ".webm" else None
    sink = ContainerSink(
        open("/dev/full", "w+b", buffering=0), suffix, audio=True, pictures=pictures
    )
    with pytest.raises(OSError, match="No space left"):
        for _ in write(sink, pictures, 5):
            pass
    with pytest.raises(OSError, match="No space left"):
        sink.close()


def test_pictures_alone(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    pictures = Pictures(("played",), (64, 48), 10)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    sink = open_sink(descriptor, ".mp4", audio=False, pictures=pictures)
    list(write(sink, pictures, 1))  # type: ignore[arg-type]
    sink.close()
    with av.open(str(path)) as container:
        assert not container.streams.audio
        assert len(list(container.decode(video=0))) == 10
