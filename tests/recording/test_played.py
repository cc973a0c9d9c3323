"""What was played: an interruption cuts it, a pause moves it."""

import numpy as np
import pytest

from fastrtc.recording.events import Cut, Held, Played, Released, Restored, TakenBack
from fastrtc.recording.played import PlayedAudio
from fastrtc.recording.track import SampleTrack

from .sound import RATE, onsets, tone


def playing(
    seconds: float, *, at: float = 0.0, rate: int = RATE
) -> tuple[PlayedAudio, SampleTrack]:
    """Send a tone of a length in frames of 20 ms, from a time on."""
    track = SampleTrack()
    played = PlayedAudio(track, 50.0)
    send(played, seconds, at=at, rate=rate)
    return played, track


def send(played: PlayedAudio, seconds: float, *, at: float, rate: int = RATE) -> None:
    sound = tone(seconds, rate=rate)
    size = rate // 50
    for n in range(len(sound) // size):
        samples = sound[np.newaxis, n * size : (n + 1) * size]
        played.add(Played(50 + at + n * 0.02, rate, samples))
        if n % 3 == 2:
            played.settle()
    played.settle()


def length(track: SampleTrack) -> float:
    samples = track.read(10 * RATE)
    return float(np.flatnonzero(np.abs(samples) > 300)[-1] / RATE)


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_frames_are_continuous_at_their_time(rate: int) -> None:
    played, track = playing(1, at=0.5, rate=rate)
    send(played, 1, at=3.0001, rate=rate)
    played.finish()
    samples = track.read(5 * RATE)
    assert onsets(samples) == pytest.approx([0.5, 3.0], abs=0.002)
    assert np.abs(samples[: RATE // 2 - 10]).max() == 0
    wanted = tone(1)
    heard = samples[RATE // 2 : RATE // 2 + RATE]
    assert np.abs(heard[200:-200].astype(int) - wanted[200:-200]).max() < 400  # no click


def test_what_the_client_drops_is_not_in_it() -> None:
    """At 0.9 s the client has been sent 1.06 s, and has echoed the marks up to 0.84 s."""
    for unplayed_s, wanted in ((0.0, 0.9), (0.22, 0.84)):
        played, track = playing(1.06)
        played.cut(Cut(50.9, unplayed_s))
        send(played, 0.5, at=2.0)
        played.finish()
        samples = track.read(4 * RATE)
        assert np.flatnonzero(np.abs(samples[: 2 * RATE]) > 300)[-1] / RATE == pytest.approx(
            wanted, abs=0.003
        )
        assert onsets(samples) == pytest.approx([0, 2.0], abs=0.002)


def test_audio_that_was_taken_back_is_played_later() -> None:
    played, track = playing(1.0)
    played.take_back(TakenBack(0.16))
    assert track.end == round(0.84 * RATE)
    played.restore(Restored(0.06))  # its last marks came late
    send(played, 0.1, at=1.5)
    played.finish()
    samples = track.read(4 * RATE)
    assert np.abs(samples[round(0.83 * RATE) : round(0.9 * RATE) - 20]).max() > 7000
    assert np.abs(samples[round(0.9 * RATE) : round(1.5 * RATE) - 20]).max() == 0
    assert np.abs(samples[round(1.5 * RATE) : round(1.6 * RATE)]).max() > 7000


def test_a_client_that_pauses_keeps_its_audio() -> None:
    played, track = playing(1.0)
    played.hold(Held(50.85))
    assert track.end == round(0.85 * RATE)
    played.release(Released(52.0))
    send(played, 0.5, at=2.15)
    played.finish()
    samples = track.read(4 * RATE)
    assert onsets(samples) == pytest.approx([0, 2.0], abs=0.002)
    assert np.abs(samples[round(2.14 * RATE) : round(2.16 * RATE)]).max() > 7000  # no gap
    assert track.end == pytest.approx(2.65 * RATE, abs=5)
