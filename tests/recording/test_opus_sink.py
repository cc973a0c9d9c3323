"""Ogg files with a stream for each side, read by FFmpeg and decoded by libopus."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from fastrtc.audio.libopus import LOW_DELAY_S, Libopus, LibopusDecoder, libopus
from fastrtc.recording import opus_side
from fastrtc.recording.opus_side import BIT_RATE, HANGOVER, OpusSide
from fastrtc.recording.opus_sink import OpusSink
from fastrtc.recording.packet_track import PACKET_S
from fastrtc.recording.sink import open_sink
from fastrtc.recording.track import SampleTrack, Span

from .sound import RATE, block, onsets, read, tone


def library() -> Libopus:
    found = libopus()
    assert found is not None, "the wheel of PyAV has it"
    return found


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


@pytest.fixture(params=[16_000, 24_000, 48_000])
def rate(request: pytest.FixtureRequest) -> int:
    chosen: int = request.param
    return chosen


def write(path: Path, rate: int, sound: np.ndarray, size: int) -> OpusSink:
    sink = OpusSink(path.open("w+b", buffering=0), library())
    for start in range(0, sound.shape[1], size):
        sink.write(block(*sound[:, start : start + size], (rate, rate)))
        sink.flush()
    return sink


@pytest.mark.parametrize("size_s", [0.4, 0.37, 1.0, 0.013])
def test_a_file_has_the_samples_in_their_places(tmp_path: Path, rate: int, size_s: float) -> None:
    n = round(3.007 * rate)
    sound = np.zeros((2, n), np.int16)
    sound[0, rate : rate + rate // 2] = tone(0.5, 400, rate)
    sound[1, rate // 4 : rate // 4 + rate // 2] = tone(0.5, 1000, rate)
    path = tmp_path / "call.ogg"
    sink = write(path, rate, sound, round(size_s * rate))
    killed = path.read_bytes()
    sink.close()
    assert sink.size() == path.stat().st_size
    samples = read(path)
    assert samples.shape[1] == pytest.approx(3.007 * RATE, abs=1)
    assert onsets(samples[0]) == pytest.approx([1.0], abs=0.002)
    assert onsets(samples[1]) == pytest.approx([0.25], abs=0.002)
    assert not samples[0, : RATE // 2].any(), "nothing of the other side"
    for channel, begin, frequency in ((0, 1.0, 400), (1, 0.25, 1000)):
        part = samples[channel, round((begin + 0.1) * RATE) : round((begin + 0.4) * RATE)]
        wanted = tone(3, frequency)[round(0.1 * RATE) : round(0.4 * RATE)]
        assert level(part - wanted) < level(wanted) / 5, "in phase"
    copy = tmp_path / "killed.ogg"
    copy.write_bytes(killed)
    assert read(copy).shape[1] / RATE > 3.007 - 0.065


def decoded(packets: list[bytes], rate: int) -> np.ndarray:
    decoder = LibopusDecoder(library(), 1, rate)
    return np.concatenate([decoder.decode(packet)[0] for packet in packets])


def test_what_follows_silence_is_decoded_as_if_that_had_been_encoded(
    rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same calls of libopus, as packets that are encoded together share their bits."""
    piece = np.concatenate((tone(0.3, 500, rate), np.zeros(round(1.8 * rate), np.int16)))
    sound = np.concatenate((piece, -piece, piece))
    side = OpusSide(library(), rate)
    packets = side.push(Span.from_samples(sound), rate)
    monkeypatch.setattr(opus_side, "HANGOVER", len(packets))
    reference = OpusSide(library(), rate).push(Span.from_samples(sound), rate)
    assert packets.count(side._silence) > 3 * 20
    ours, theirs = decoded(packets, rate), decoded(reference, rate)
    delay = round(LOW_DELAY_S * rate)
    for begin in range(0, len(sound), len(piece)):
        wanted = sound[begin : begin + rate // 2]
        errors = [level(one[delay:][begin : begin + rate // 2] - wanted) for one in (ours, theirs)]
        assert errors[0] < 1.3 * errors[1] < level(wanted) / 10, "it varies with the processor"
        assert not ours[begin + 3 * rate // 2 : begin + 2 * rate].any()


def test_the_noise_of_a_room_becomes_silence_after_a_while(rate: int) -> None:
    room = np.random.default_rng(1).normal(0, 8, 3 * rate).astype(np.int16)
    room[: rate // 2] = tone(0.5, 500, rate)
    heard = decoded(OpusSide(library(), rate).push(Span.from_samples(room), rate), rate)
    assert len(heard) == len(room)
    kept = round((0.5 + HANGOVER * PACKET_S) * rate)
    assert heard[rate // 2 : kept].any() and not heard[3 * rate // 2 :].any()


@pytest.mark.parametrize("ends", [(3, 11, 40), (6, 7, 8, 40), (7, 40), (5, 9, 40), range(1, 41)])
def test_after_the_end_of_audio_one_packet_has_the_rest_of_it(
    rate: int, ends: Iterable[int]
) -> None:
    """What was placed nowhere is silence, of which nothing is encoded or looked at."""
    size, sound = round(PACKET_S * rate), tone(0.11, 500, rate)
    track = SampleTrack(rate)
    track.place(0, sound)
    side, packets = OpusSide(library(), rate), []
    for end in ends:
        packets += side.push(track.read(end * size), rate)
    ended = len(sound) // size + 1  # the packet with the end
    assert side._silence not in packets[: ended + 1]
    assert set(packets[ended + 1 :]) == {side._silence}
    heard, delay = decoded(packets, rate)[round(LOW_DELAY_S * rate) :], 2 * size
    errors = heard[: len(sound)].astype(float) - sound
    assert level(errors[-delay:]) < level(sound) / 10
    assert not heard[len(sound) + delay :].any()


def test_quiet_speech_is_kept(rate: int) -> None:
    quiet = tone(2.4, 300, rate) // 250  # -54 dB
    heard = decoded(OpusSide(library(), rate).push(Span.from_samples(quiet), rate), rate)
    assert level(heard[rate:]) == pytest.approx(level(quiet[rate:]), rel=0.2)


def test_the_size_of_an_hour(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-8000, 8000, (2, 10 * RATE)).astype(np.int16)
    write(tmp_path / "loud.ogg", RATE, noise, RATE // 5 * 2).close()
    write(tmp_path / "silent.ogg", RATE, np.zeros_like(noise), RATE // 5 * 2).close()
    assert (tmp_path / "loud.ogg").stat().st_size < 10 * 2 * BIT_RATE / 8 * 1.1
    assert (tmp_path / "silent.ogg").stat().st_size < 10 * 500


def test_a_disk_that_is_full() -> None:
    with pytest.raises(OSError, match="No space left"):
        open_sink(os.open("/dev/full", os.O_RDWR), ".ogg", audio=True, pictures=None)


def test_hours_of_silence_are_written_as_they_come(tmp_path: Path) -> None:
    sink = OpusSink((tmp_path / "x.ogg").open("w+b", buffering=0), library())
    for _ in range(3600):
        sink.write(block(*np.zeros((2, 16_000), np.int16), (16_000, 16_000)))
        assert len(sink._packets) < 300
    sink.close()
    assert sink.size() < 3600 * 500


def test_each_side_has_its_rate_and_one_may_rise(tmp_path: Path) -> None:
    sink = OpusSink((tmp_path / "x.ogg").open("w+b", buffering=0), library())
    low, rates = 24_000, (16_000, 24_000)
    silence, silent_left = np.zeros(low, np.int16), np.zeros(16_000, np.int16)
    for left, right in ((tone(1.0, 400, 16_000), silence), (silent_left, tone(1.0, 600, low))):
        sink.write(block(left, right, rates))
    sink.write(block(silent_left, tone(1.0, 15_000), (16_000, RATE)))
    sink.close()
    left, right = read(tmp_path / "x.ogg")
    assert len(left) == pytest.approx(3 * RATE, abs=1)
    for side, begin, frequency in ((left, 0, 400), (right, 1, 600), (right, 2, 15_000)):
        spectrum = np.abs(np.fft.rfft(side[begin * RATE : (begin + 1) * RATE].astype(float)))
        assert np.argmax(spectrum) == frequency
    assert onsets(right) == pytest.approx([1.0], abs=0.002) and not right[: RATE // 2].any()


@pytest.mark.parametrize("low", [16_000, 24_000])
def test_nothing_is_lost_where_the_rate_rises(low: int) -> None:
    sound, seam = tone(1.2), round(0.6 * RATE)  # at the end of a packet
    side = OpusSide(library(), low)
    packets = side.push(Span.from_samples(sound[: seam : RATE // low]), low)
    packets += side.push(Span.from_samples(sound[seam:]), RATE)
    heard, delay = decoded(packets, RATE), round(LOW_DELAY_S * RATE)
    for begin in (seam - delay, seam, seam + delay):
        wanted = sound[begin : begin + delay]
        assert level(heard[delay:][begin : begin + delay] - wanted) < level(wanted) / 5
