"""What was said before the speaker's consent is not in a recording."""

from math import inf
from pathlib import Path

import numpy as np
import pytest

from fastrtc.audio.libopus import DELAY_S
from fastrtc.recording.consent import MARGIN_S, HeldAudio, cut_before
from fastrtc.recording.events import Received
from fastrtc.recording.received import ReceivedAudio
from fastrtc.recording.timeline import Timeline
from fastrtc.recording.track import SampleTrack

from .sound import RATE, tone
from .test_opus_side import FRAME, NETWORK_S, Made, encode, received

OFFSETS_S = (0.0, 0.003, 0.007, 0.013, 0.019)
"""When in a packet the consent is."""

BEFORE, AFTER = 9000, 1000


def test_audio_before_a_time_is_cut() -> None:
    samples = np.arange(8, dtype=np.int16)[np.newaxis]
    held = [HeldAudio(2.0 + n, 8, samples, b"x") for n in range(3)]
    first, last = cut_before(held, 3.25)
    assert (first.media_s, first.rate, first.packet) == (3.25, 8, b"x")
    assert first.samples.tolist() == [[2, 3, 4, 5, 6, 7]]
    assert last.media_s == 4.0 and last.samples.shape == (1, 8)
    assert cut_before(held, 5.0) == []


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("jitter_s", [0.0, 0.015])
@pytest.mark.parametrize("offset_s", OFFSETS_S)
def test_nothing_is_heard_from_before_the_consent(
    offset_s: float, jitter_s: float, timed: bool
) -> None:
    """A codec delays audio, and none of the first packets arrives as early as later ones."""
    consent_s = 103.0 + offset_s
    track = SampleTrack()
    audio = ReceivedAudio(track, consent_s, consent_s=consent_s)
    said = np.full(6 * RATE, BEFORE, np.int16)
    said[round((consent_s - 100 + (DELAY_S if timed else 0)) * RATE) :] = AFTER
    for n in range(150, 300):
        late_s = 0.0 if n >= 165 else jitter_s
        samples = said[np.newaxis, n * FRAME : (n + 1) * FRAME]
        audio.add(Received(50 + n * 0.02, timed, 100.02 + n * 0.02 + late_s, RATE, samples))
    audio.finish()
    heard = track.read(3 * RATE).samples
    assert heard.max() == AFTER
    assert np.count_nonzero(heard) / RATE == pytest.approx(3 - MARGIN_S, abs=0.03)


@pytest.mark.parametrize("drain_s", [0.0, 0.012])
@pytest.mark.parametrize("until_s", [-0.3, 0.1, 0.3])
@pytest.mark.parametrize("late_s", [0.6, 1.5])
def test_a_backlog_at_the_consent_is_left_out(late_s: float, until_s: float, drain_s: float):
    """What was said until shortly after it comes late, so that all of the first audio is."""
    consent_s, delay_s, sent_s = 103.0, 0.03, 0.0
    timeline = Timeline(rates=(RATE, RATE), packets=True, consent=True)
    events = []
    for n in range(700):
        said_s = 95 + n * 0.02
        late = late_s if said_s + 0.02 < consent_s + until_s else 0.0
        sent_s = max(said_s + 0.02 + delay_s + late, sent_s + drain_s)
        level = AFTER if said_s + delay_s >= consent_s else BEFORE
        samples = np.full((1, FRAME), level, np.int16)
        events.append(Received(said_s - 40, True, sent_s, RATE, samples))
    blocks = list(timeline.start(consent_s, 40 + delay_s))
    for batch in range(20):
        now_s = consent_s + batch * 0.4
        timeline.add([event for event in events if now_s <= event.arrival_s < now_s + 0.4])
        blocks += timeline.read(now_s + 0.4)
    blocks += timeline.stop(111.0)
    heard = np.concatenate([block.received.samples for block in blocks])
    assert heard.max() == AFTER
    assert np.count_nonzero(heard) / RATE == pytest.approx(6, abs=0.03)


def test_another_clock_of_the_client_is_not_a_backlog() -> None:
    for offset_s in (19.0, 45.0, inf):
        track = SampleTrack()
        audio = ReceivedAudio(track, 100.0, consent_s=100.0, known_offset_s=offset_s)
        for n in range(100):
            samples = np.full((1, FRAME), AFTER, np.int16)
            audio.add(Received(60 + n * 0.02, True, 100.02 + n * 0.02, RATE, samples))
        audio.finish()
        assert np.count_nonzero(track.read(5 * RATE).samples) / RATE == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("client", ["Chromium", "narrow", "aiortc"])
@pytest.mark.parametrize("offset_s", OFFSETS_S)
def test_nothing_is_in_the_file_from_before_the_consent(
    tmp_path: Path, offset_s: float, client: str
) -> None:
    consent_s = 103.0 + offset_s + NETWORK_S
    before = round((3 + offset_s) * RATE)
    sound = np.concatenate((tone(6, 1000)[:before] * 2, tone(6, 300)[before:] // 5))
    jitter = np.random.default_rng(3)
    events = [
        event._replace(arrival_s=event.arrival_s + 0.02 * jitter.random())
        for event in received(encode(sound, client), 100.0)
    ]
    made = Made(tmp_path / "call.ogg", consent=True)
    made.record([e for e in events if e.arrival_s >= consent_s], consent_s, 106.5)
    left, _ = made.close()
    assert np.abs(left[RATE:]).max() > 1000
    begin = left[: 4 * FRAME].astype(float)
    assert np.abs(begin).max() < 2500
    spectrum = np.abs(np.fft.rfft(begin * np.hanning(len(begin)), RATE)) / len(begin) * 4
    assert spectrum[950:1050].max() < 50, "of 16,000"


def packets_written(numbers: range, consent_s: float, pause_s: float = 0.0) -> list[int]:
    """The numbers of the packets of a client that are written as they are."""
    timeline = Timeline(rates=(RATE, RATE), packets=True, consent=True)
    samples, written = tone(0.02)[np.newaxis], []
    blocks = list(timeline.start(consent_s))
    for batch in range(numbers[0] // 20, numbers[-1] // 20 + 1):
        for n in (n for n in numbers if n // 20 == batch):
            arrival_s = 100.02 + n * 0.02 + (pause_s if n > numbers[0] else 0.0)
            packet = b"\xfc" + bytes(8) + n.to_bytes(4, "big")
            timeline.add([Received(50 + arrival_s, True, arrival_s, RATE, samples, packet)])
        blocks += timeline.read(100 + batch * 0.4 + 0.4)
    blocks += timeline.stop(100.1 + numbers[-1] * 0.02 + pause_s)
    for block in blocks:
        written += [int.from_bytes(packet[-4:], "big") for packet in block.packets[0].values()]
    return written


def test_a_packet_with_a_copy_of_what_was_left_out_is_not_written() -> None:
    """Only one packet arrives while the first ones are held; the next one may have a copy of it."""
    written = packets_written(range(149, 300), 102.97, pause_s=0.3)
    assert written and written[0] >= 151
    assert len(written) > 130


@pytest.mark.parametrize("jump_s", [2.0, -2.0])
def test_audio_before_a_jump_of_the_clock_at_the_consent_is_left_out(jump_s: float) -> None:
    """A stall ends after the consent; when that audio was said is not known."""
    track = SampleTrack()
    audio = ReceivedAudio(track, 100.0, consent_s=100.0)
    for n in range(150):
        said_s = 99.5 + n * 0.02
        arrival_s = max(said_s + 0.02, 100.1)
        media_s = 50 + said_s + (jump_s if said_s > 99.7 else 0.0)
        level = AFTER if said_s >= 100 else BEFORE
        samples = np.full((1, FRAME), level, np.int16)
        audio.add(Received(media_s, True, arrival_s, RATE, samples))
    audio.finish()
    heard = track.read(5 * RATE).samples
    assert heard.max() == AFTER
    assert np.count_nonzero(heard) / RATE == pytest.approx(2.5, abs=0.06)
