"""Where the audio of a client is placed: by its clock, not by when it arrives."""

import random
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from fastrtc.recording.events import Received
from fastrtc.recording.received import ReceivedAudio
from fastrtc.recording.track import SampleTrack

from .sound import RATE, clicks, gaps, onsets, tone

FRAME_S = 0.02


def frames(sound: np.ndarray, rate: int) -> Iterable[tuple[float, np.ndarray]]:
    size = round(rate * FRAME_S)
    for start in range(0, len(sound), size):
        yield start / rate, sound[np.newaxis, start : start + size]


def place(
    sound: np.ndarray,
    arrival: Callable[[float], float | None],
    *,
    rate: int = RATE,
    timed: bool = True,
    clock: float = 1.0,
    ends_s: float | None = None,
) -> np.ndarray:
    """Let frames arrive, in their order, and read as the writer does, 0.4 s behind."""
    track, heard = SampleTrack(), []
    received = ReceivedAudio(track, 100.0)
    events, arrival_s = [], 0.0
    for media_s, samples in frames(sound, rate):
        when = arrival(media_s)
        if when is not None:
            arrival_s = max(arrival_s, 100 + when + samples.shape[1] / rate)
            events.append(Received(7000 + media_s * clock, timed, arrival_s, rate, samples))
    for event in events:
        received.add(event)
        received.settle()
        heard.append(track.read(round((event.arrival_s - 100 - 0.4) * RATE)).samples)
    received.finish()
    heard.append(track.read(round((ends_s or len(sound) / rate + 3) * RATE)).samples)
    return np.concatenate(heard)


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize("timed", [True, False])
def test_jitter_moves_nothing(timed: bool, rate: int) -> None:
    jitter = random.Random(2)
    sound = np.repeat(clicks(20, 1.0, rate), 1)
    heard = onsets(place(sound, lambda at: at + jitter.random() * 0.1, rate=rate, timed=timed))
    assert len(heard) == 19
    assert np.abs(np.array(heard) - np.arange(1, 20)).max() < 0.006


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_client_with_another_clock_stays_in_step(ppm: int) -> None:
    """After 2 minutes a sound card that is 300 ppm off would be 36 ms off."""
    clock = 1 + ppm / 1e6
    sound = clicks(120, 1.0) + tone(120, 200.0) // 80  # never quiet: it has to be stretched
    heard = np.array(onsets(place(sound, lambda at: at * clock, clock=1.0)))
    assert len(heard) == 119
    errors = heard - np.arange(1, 120) * clock
    assert np.abs(errors).max() < 0.011
    assert np.diff(heard).min() > 0.98  # it was not corrected by a jump


def test_lost_packets_are_a_gap_and_move_nothing() -> None:
    sound = clicks(12, 1.0)
    heard = place(sound, lambda at: None if 3.1 < at < 5.9 or round(at * 50) % 7 == 0 else at)
    assert np.abs(np.array(onsets(heard)) - np.array([1, 2, 3, 6, 8, 9, 10, 11])).max() < 0.025


def test_a_stalled_network_loses_nothing_and_is_made_up_in_pauses() -> None:
    """A TCP connection stalls for 2 s, and then delivers everything."""
    sound = clicks(20, 1.0)
    heard = onsets(place(sound, lambda at: at if not 4.5 < at < 6.5 else 6.5, timed=False), 0.1)
    assert len(heard) == 19  # all of them
    assert np.abs(np.array(heard[:4]) - np.arange(1, 5)).max() < 0.001
    assert np.abs(np.array(heard[8:]) - np.arange(9, 20)).max() < 0.01


@pytest.mark.parametrize("timed", [True, False])
def test_after_a_stall_continuous_sound_is_one_stretch(timed: bool) -> None:
    """Its burst is placed late. What then comes on time belongs to it, and is not held again."""
    sound, rate = tone(9, rate=16_000), 16_000
    heard = place(sound, lambda at: 5 if 2 < at < 5 else at, rate=rate, timed=timed, ends_s=15)
    heard = heard[: np.flatnonzero(heard)[-1]]
    [gap_s] = gaps(heard)
    assert 0.9945 * 9 < len(heard) / RATE - gap_s < 9, "nothing is lost, and it catches up"
    clicks = np.flatnonzero(np.abs(np.diff(heard.astype(int))) > 600) / RATE
    assert all(at < 2 + gap_s + 0.1 for at in clicks), "only where the gap is"


def test_a_client_that_pauses_sends_no_silence() -> None:
    """Push to talk over a WebSocket: two stretches, 3 s apart, without times."""
    sound = np.concatenate((tone(1), tone(1)))
    heard = onsets(place(sound, lambda at: at if at < 1 else at + 3, timed=False, ends_s=8))
    assert heard == pytest.approx([0, 4.0], abs=0.002)


def test_a_client_that_was_muted_for_minutes() -> None:
    """Its clock is 200 ppm too fast, and the first packets are late."""
    clock, sound = 1.0002, np.concatenate((tone(1), np.zeros(120 * RATE, np.int16), tone(2)))
    late = {121.0: 0.09, 121.02: 0.07, 121.04: 0.05}

    def arrival(at: float) -> float | None:
        return None if 1 < at < 120.999 else at / clock + late.get(round(at, 2), 0)

    heard = onsets(place(sound, arrival))
    assert heard == pytest.approx([0, 121 / clock], abs=0.003)


def test_a_peer_that_starts_a_new_clock() -> None:
    track = SampleTrack()
    received = ReceivedAudio(track, 0.0)
    for base, began in ((1000.0, 0.0), (5.0, 2.0), (90_000.0, 4.0)):
        for media_s, samples in frames(tone(0.5), RATE):
            received.add(Received(base + media_s, True, began + media_s + 0.02, RATE, samples))
    received.finish()
    assert onsets(track.read(6 * RATE).samples) == pytest.approx([0, 2, 4], abs=0.001)


def test_what_was_said_before_the_beginning_is_left_out() -> None:
    track = SampleTrack()
    received = ReceivedAudio(track, 10.0)
    received.add(Received(3.0, True, 10.0, RATE, tone(0.1)[np.newaxis]))
    received.add(Received(3.1, True, 10.1, RATE, tone(0.1)[np.newaxis]))
    received.finish()
    assert track.end == pytest.approx(0.1 * RATE, abs=2)


def test_a_client_that_sends_a_file_ahead_of_real_time() -> None:
    sound = np.concatenate((tone(3), tone(3, 500)))
    heard = place(sound, lambda at: 0.1 + at / 100, timed=False, ends_s=8)
    assert np.flatnonzero(heard)[0] / RATE == pytest.approx(0, abs=0.001)
    assert np.abs(np.flatnonzero(heard)[-1] / RATE - 6) < 0.1


def test_what_follows_a_file_that_is_too_long_is_recorded() -> None:
    """A client sends 200 s within 2 s, of which 120 s fit, and then speaks."""
    rate, heard = 8000, []
    track = SampleTrack(rate)
    received = ReceivedAudio(track, 100.0)
    for n in range(202 + 130):
        at_s = n / 100 if n < 200 else n - 198.0
        level = 500 if n < 200 else 1000 + n
        samples = np.full((1, rate), level, np.int16)
        received.add(Received(float(n), False, 100 + at_s, rate, samples))
        received.settle()
        heard.append(track.read(round((at_s - 0.4) * rate)).samples)
    received.finish()
    heard.append(track.read(track.end).samples)
    samples = np.concatenate(heard)
    assert np.count_nonzero(samples == 500) / rate == pytest.approx(120, abs=2)
    spoken = samples[samples >= 1000]
    assert len(spoken) / rate == pytest.approx(132, abs=3)
    assert spoken[-1] == 1000 + 331 and (np.diff(spoken) >= 0).all()


@pytest.mark.parametrize("timed", [True, False])
def test_a_stall_at_the_consent_brings_nothing_from_before_it(timed: bool) -> None:
    """Audio since 1.9 s before the consent arrives 0.1 s after it, and the last of it later."""
    track = SampleTrack()
    received = ReceivedAudio(track, 10.0, consent_s=12.0)
    track.read(2 * RATE)
    for media_s, samples in frames(tone(3), RATE):
        arrival_s = max(10.12 + media_s, 12.1)
        received.add(Received(50 + media_s, timed, arrival_s, RATE, samples))
    received.finish()
    assert track.end == pytest.approx((13.1 - 10) * RATE, abs=RATE // 50)
    heard = np.flatnonzero(track.read(4 * RATE).samples) / RATE
    assert len(heard) == pytest.approx(1.1 * RATE, rel=0.05)


def test_a_stall_after_the_consent_loses_nothing() -> None:
    """The network stalls for 3 s from the consent on; what came before it is left out."""
    track = SampleTrack()
    received = ReceivedAudio(track, 10.0, consent_s=10.0)
    track.read(round(2.6 * RATE))
    for media_s, samples in frames(tone(5), RATE):
        received.add(Received(media_s, False, max(9 + media_s, 13.0), RATE, samples))
    received.finish()
    assert len(np.flatnonzero(track.read(10 * RATE).samples)) == pytest.approx(4 * RATE, rel=0.06)


def test_where_audio_was_placed_is_known_while_it_comes() -> None:
    received = ReceivedAudio(SampleTrack(), 100.0)
    assert received.offset_s(100.0) is None
    samples = tone(FRAME_S)[np.newaxis]
    for n in range(20):
        at_s = n * FRAME_S
        received.add(Received(7000 + at_s, True, 100.05 + at_s + FRAME_S, RATE, samples))
        assert (received.offset_s(100 + at_s) is None) == (n < 13)  # it is held for 0.25 s
    assert received.offset_s(101.0) == pytest.approx(100.05 - 7000)
    assert received.offset_s(106.0) is None


@pytest.mark.parametrize("stall_s", [0.5, 0.9])
def test_a_network_that_stalls_for_less_than_a_second_loses_nothing(stall_s: float) -> None:
    """Audio with RTP times arrives after its place in the file was written as silence."""
    track, heard = SampleTrack(), []
    received = ReceivedAudio(track, 100.0)
    events = []
    for media_s, samples in frames(np.concatenate((tone(3), np.zeros(3 * RATE, np.int16))), RATE):
        late_s = max(0.0, 2 + stall_s - media_s) if media_s >= 2 else 0.0
        events.append(Received(7 + media_s, True, 100.02 + media_s + late_s, RATE, samples))
    for at_s in np.arange(100.4, 107, 0.4):
        while events and events[0].arrival_s <= at_s:
            received.add(events.pop(0))
        received.settle()
        heard.append(track.read(round((at_s - 100.4) * RATE)).samples)
    loud = np.abs(np.concatenate(heard).astype(int)) > 300
    assert loud.sum() == pytest.approx((np.abs(tone(3).astype(int)) > 300).sum(), rel=0.006)
    assert np.flatnonzero(loud)[-1] / RATE == pytest.approx(3 + stall_s - 0.4, abs=0.4)


@pytest.mark.parametrize("chunk_s", [0.38, 0.5, 1.0])
def test_long_chunks_have_no_gaps_after_a_pause(chunk_s: float) -> None:
    """The place of their start is written before they arrive, so that they are placed later."""
    sound = np.tile(np.concatenate((tone(1.5), np.zeros(RATE, np.int16))), 6)
    track, heard, jitter = SampleTrack(), [], random.Random(3)
    received, size = ReceivedAudio(track, 100.0), round(chunk_s * RATE)
    events = []
    for start in range(0, len(sound), size):
        arrival_s = 100 + (start + size) / RATE + 0.03 * jitter.random()
        samples = sound[np.newaxis, start : start + size]
        events.append(Received(start / RATE, False, arrival_s, RATE, samples))
    for at_s in np.arange(100.4, 120, 0.4):
        while events and events[0].arrival_s <= at_s:
            received.add(events.pop(0))
        received.settle()
        received.advance(at_s)
        heard.append(track.read(round((at_s - 100.4) * RATE)).samples)
    samples = np.concatenate(heard)
    assert gaps(samples) == pytest.approx([1.0] * 5, abs=0.16)
    late_s = np.array(onsets(samples)) - np.arange(0, 15, 2.5)
    assert late_s[1:] == pytest.approx(max(0.0, chunk_s + 0.05 - 0.4), abs=0.035)
