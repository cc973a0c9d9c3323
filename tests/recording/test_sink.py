"""What writes which file, and at what rate."""

import os
from pathlib import Path

import pytest

from fastrtc.audio import libopus as module
from fastrtc.recording.container import ContainerSink
from fastrtc.recording.opus_sink import OpusSink
from fastrtc.recording.sink import BATCH_S, PAGE_BATCH_S, Format, format_of, open_sink
from fastrtc.recording.wav import WavSink

from .sound import RATE, block, read, tone


def test_the_suffix_is_the_format(tmp_path: Path) -> None:
    for suffix, kind in ((".wav", WavSink), (".ogg", OpusSink), (".opus", OpusSink)):
        descriptor = os.open(tmp_path / f"call{suffix}", os.O_CREAT | os.O_RDWR)
        sink = open_sink(descriptor, suffix, audio=True, pictures=None)
        assert isinstance(sink, kind)
        sink.close()


@pytest.mark.parametrize(
    ("suffix", "source", "rate"),
    [
        (".ogg", 8000, 16_000),
        (".ogg", 16_000, 16_000),
        (".opus", 22_050, 24_000),
        (".ogg", 24_000, 24_000),
        (".ogg", 44_100, RATE),
        (".ogg", 96_000, RATE),
        (".wav", 24_000, RATE),
        (".mp4", 24_000, RATE),
    ],
)
def test_opus_has_the_lowest_rate_that_holds_all(suffix: str, source: int, rate: int) -> None:
    batch_s = PAGE_BATCH_S if suffix == ".mp4" else BATCH_S
    assert format_of(suffix, (source, 16_000)).rates[0] == rate
    rates = (RATE, rate)
    packets = suffix in (".ogg", ".opus")
    assert format_of(suffix, (RATE, source)) == Format(rates, batch_s, packets)


def test_without_libopus_ffmpeg_writes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_paths", lambda: iter(["/nowhere/libopus.so.0"]))
    module.libopus.cache_clear()
    try:
        assert format_of(".ogg", (24_000, 24_000)) == Format((RATE, RATE), PAGE_BATCH_S)
        descriptor = os.open(tmp_path / "call.ogg", os.O_CREAT | os.O_RDWR)
        sink = open_sink(descriptor, ".ogg", audio=True, pictures=None)
        assert isinstance(sink, ContainerSink)
        sink.write(block(tone(1.0), tone(1.0, 1000)))
        sink.close()
    finally:
        module.libopus.cache_clear()
    assert read(tmp_path / "call.ogg").shape[1] == pytest.approx(RATE, abs=RATE / 50)
