"""What was played: an interruption cuts it, a pause moves it."""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from fastrtc.recording.events import Confirmed, Cut, Held, Played, Released, Restored, TakenBack
from fastrtc.recording.packet_track import PacketGrid, PacketTrack
from fastrtc.recording.played import PlayedAudio
from fastrtc.recording.track import SampleTrack

from .sound import RATE, on_time, onsets, tone


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
        played.add(on_time(50 + at + n * 0.02, rate, samples))
        if n % 3 == 2:
            played.settle()
    played.settle()


def length(track: SampleTrack) -> float:
    samples = track.read(10 * RATE).samples
    return float(np.flatnonzero(np.abs(samples) > 300)[-1] / RATE)


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_frames_are_continuous_at_their_time(rate: int) -> None:
    played, track = playing(1, at=0.5, rate=rate)
    send(played, 1, at=3.0001, rate=rate)
    played.finish()
    samples = track.read(5 * RATE).samples
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
        samples = track.read(4 * RATE).samples
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
    samples = track.read(4 * RATE).samples
    assert np.abs(samples[round(0.83 * RATE) : round(0.9 * RATE) - 20]).max() > 7000
    assert np.abs(samples[round(0.9 * RATE) : round(1.5 * RATE) - 20]).max() == 0
    assert np.abs(samples[round(1.5 * RATE) : round(1.6 * RATE)]).max() > 7000


def test_audio_that_is_too_far_ahead_does_not_move_what_follows() -> None:
    """Twice as much as can be played, for long; then as much as can be."""
    rate, heard = 8000, []
    track = SampleTrack(rate)
    played = PlayedAudio(track, 50.0)
    for n in range(400):
        due_s = 50.0 + (n / 2 if n < 300 else n - 150)
        level = 500 if n < 300 else 1000 + n
        played.add(Played(due_s, due_s, False, rate, np.full((1, rate), level, np.int16)))
        played.settle()
        heard.append(track.read(round((due_s - 50.4) * rate)).samples)
    played.finish()
    heard.append(track.read(track.end).samples)
    samples = np.concatenate(heard)
    late = samples[samples >= 1000]
    assert len(late) / rate == pytest.approx(100, abs=2)
    assert late[-1] == 1399 and (np.diff(late) >= 0).all()


def test_a_client_that_pauses_keeps_its_audio() -> None:
    played, track = playing(1.0)
    played.hold(Held(50.85))
    assert track.end == round(0.85 * RATE)
    played.release(Released(52.0))
    send(played, 0.5, at=2.15)
    played.finish()
    samples = track.read(4 * RATE).samples
    assert onsets(samples) == pytest.approx([0, 2.0], abs=0.002)
    assert np.abs(samples[round(2.14 * RATE) : round(2.16 * RATE)]).max() > 7000  # no gap
    assert track.end == pytest.approx(2.65 * RATE, abs=5)


def send_late(played: PlayedAudio, sound: np.ndarray, stall_s: float, *, webrtc: bool) -> None:
    """Send audio when it is due, but for a stall from 1 s on, after which it is sent at once."""
    for n in range(0, len(sound) // 960):
        due_s = 50 + n * 0.02
        sent_s = max(due_s, 51 + stall_s) if due_s > 51 else due_s
        samples = sound[np.newaxis, n * 960 : (n + 1) * 960]
        played.add(Played(due_s, sent_s, webrtc, RATE, samples))
    played.finish()


def test_a_stall_that_the_buffer_of_the_client_hides() -> None:
    track = SampleTrack()
    send_late(PlayedAudio(track, 50.0), tone(2), 0.06, webrtc=True)
    assert np.array_equal(track.read(2 * RATE).samples, tone(2))


@pytest.mark.parametrize("webrtc", [True, False])
def test_what_is_sent_late_is_played_late_and_nothing_is_missing(webrtc: bool) -> None:
    """Audio of 3 s is stalled for 0.5 s; over WebRTC, a pause of 0.2 s makes up for some of it."""
    sound = tone(3)
    sound[2 * RATE : round(2.2 * RATE)] = 0
    track = SampleTrack()
    send_late(PlayedAudio(track, 50.0), sound, 0.5, webrtc=webrtc)
    samples = track.read(4 * RATE).samples
    assert not samples[round(1.025 * RATE) : round(1.5 * RATE)].any()
    late_s = track.end / RATE - 3
    if not webrtc:
        assert late_s == pytest.approx(0.48, abs=0.025)
    else:  # 0.2 s, and 0.5% of the rest
        assert late_s == pytest.approx(0.48 - 0.2 - 0.005 * 1.8, abs=0.025)
    loud = int((np.abs(samples.astype(int)) > 300).sum())
    assert loud == pytest.approx(int((np.abs(sound.astype(int)) > 300).sum()), rel=0.006)


@pytest.mark.parametrize("sent_late_s", [0.05, 0.1, 0.3])
def test_a_server_that_is_always_late_leaves_no_gap(sent_late_s: float) -> None:
    """The client makes up for a delay only as far as audio has arrived."""
    sound, jitter = tone(20, rate=16_000), random.Random(4)
    track = SampleTrack(16_000)
    played = PlayedAudio(track, 50.0)
    for n in range(len(sound) // 320):
        due_s = 50 + n * 0.02
        sent_s = due_s + sent_late_s + 0.01 * jitter.random()
        played.add(Played(due_s, sent_s, True, 16_000, sound[np.newaxis, n * 320 :][:, :320]))
        played.settle()
    played.finish()
    end_s, samples = track.end / 16_000, track.read(30 * 16_000).samples
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 300) / 16_000
    assert np.diff(loud).max() < 0.002
    late_s = sent_late_s - 0.03 if sent_late_s > 0.06 else 0.0
    assert end_s - 20 == pytest.approx(late_s, abs=0.011)


def test_the_next_reply_is_on_time_after_a_stall() -> None:
    track = SampleTrack()
    played = PlayedAudio(track, 50.0)
    send_late(played, tone(1.5), 0.5, webrtc=False)
    send(played, 0.5, at=3.0)
    played.finish()
    assert onsets(track.read(4 * RATE).samples) == pytest.approx([0, 1.5, 3.0], abs=0.002)


def test_after_a_stall_the_client_drops_what_it_has_not_played() -> None:
    track = SampleTrack()
    played = PlayedAudio(track, 50.0)
    send_late(played, tone(1.5), 0.5, webrtc=False)
    played.cut(Cut(51.6, 0.0))
    assert track.end == round(1.6 * RATE)
    send(played, 0.5, at=1.7)
    played.finish()
    assert onsets(track.read(3 * RATE).samples, 0.05) == pytest.approx([0, 1.5, 1.7], abs=0.002)


def test_what_a_client_that_echoes_marks_has_played_is_certain() -> None:
    played, _ = playing(1.0)
    assert played.certain_s == np.inf
    played.confirm(Confirmed(0.3))
    assert played.certain_s == pytest.approx(50.7)
    played.confirm(Confirmed(0.0))
    assert played.certain_s == np.inf
    send(played, 0.1, at=2.0)
    assert played.certain_s == pytest.approx(52.0)
    played.cut(Cut(52.05, 0.0))
    assert played.certain_s == np.inf
    send(played, 0.2, at=3.0)
    played.take_back(TakenBack(0.1))
    assert played.certain_s == pytest.approx(53.1), "its last marks may come late"
    played.restore(Restored(0.06))
    assert played.certain_s == np.inf


def in_packets() -> tuple[PlayedAudio, SampleTrack, PacketTrack]:
    """What is played of a client over WebRTC, whose packets are written as they were sent."""
    grid = PacketGrid()
    grid.phase = 0
    track, packets = SampleTrack(), PacketTrack(RATE, grid)
    return PlayedAudio(track, 50.0, packets), track, packets


def packed(
    sound: np.ndarray, at_s: float, late_s: float = 0.0, number: int = 0
) -> Iterator[Played]:
    """Frames of 20 ms with packets, which have their numbers at their ends."""
    for n, frame in enumerate(sound.reshape(-1, 1, RATE // 50)):
        packet = b"\x78" + bytes(40) + bytes([number + n])
        due_s = 50 + at_s + n * 0.02
        yield Played(due_s, due_s + late_s, True, RATE, frame, packet)


SILENT = np.zeros(RATE // 5, np.int16)


def test_a_stretch_that_begins_with_silence_is_at_its_time() -> None:
    """The silence after a reply, and at once another reply."""
    for frames in (1, 7, 20):
        played, track, packets = in_packets()
        events = [*packed(tone(0.4), 0.1), *packed(SILENT, 0.56), *packed(tone(0.4), 0.76)]
        for start in range(0, len(events), frames):
            played.add_all(events[start : start + frames])
            played.settle()
        played.finish()
        span = track.read(2 * RATE)
        placed_s = sum(end - begin for begin, end in span.stretches) / RATE
        assert 0.799 < placed_s < (1.001 if frames > 10 else 0.95), frames
        assert onsets(span.samples, 0.1) == pytest.approx([0.1, 0.76], abs=0.012), frames
        assert len(packets.read(2 * RATE)) >= 37, "all but the first two, and what is encoded"


def test_silence_that_was_not_placed_can_be_taken_back() -> None:
    def taken_back(played: PlayedAudio) -> None:
        played.take_back(TakenBack(0.3))
        played.restore(Restored(0.25))

    def cut(played: PlayedAudio) -> None:
        played.cut(Cut(50.7, 0.0))

    def held(played: PlayedAudio) -> None:
        played.hold(Held(50.45))
        played.release(Released(50.45))

    for change, end_s in ((taken_back, 0.5), (cut, 0.5), (held, 0.5)):
        played, track, _ = in_packets()
        played.add_all([*packed(tone(0.4), 0.1)])
        played.settle()
        played.add_all([*packed(SILENT, 0.56)])
        played.settle()
        change(played)
        played.add_all([*packed(tone(0.2), 1.0)])
        played.finish()
        samples = track.read(2 * RATE).samples
        loud = np.flatnonzero(np.abs(samples[: round(0.9 * RATE)]) > 300) / RATE
        assert loud[-1] == pytest.approx(end_s, abs=0.012), change.__name__
        assert onsets(samples) == pytest.approx([0.1, 1.0], abs=0.012), change.__name__


def test_rows_of_packets_are_placed_as_single_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is late, not aligned, too far ahead, or follows a gap."""

    def placed(rows: bool) -> list[object]:
        chance, found = random.Random(5), []
        played, track, packets = in_packets()
        at_s, late_s, number = 0.0137, 0.0, 0
        with monkeypatch.context() as patch:
            if not rows:
                patch.setattr(PlayedAudio, "_append_packets", lambda self, events: False)
            for batch in range(1, 200):
                if chance.random() < 0.1:
                    at_s += chance.choice([0.004, 0.03, 0.5, 200.0, -199.5])
                if chance.random() < 0.1:
                    late_s = chance.choice([0.0, 0.02, 0.1])
                sound = tone(0.02 * chance.randrange(1, 30))
                played.add_all([*packed(sound, at_s, late_s, number % 200)])
                played.settle()
                at_s, number = at_s + len(sound) / RATE, number + len(sound) // 960
                found += [played._next, track.end, sorted(packets.read(batch * RATE // 4).values())]
                found.append(track.read(batch * RATE // 4).samples.tobytes())
        return found

    assert placed(rows=True) == placed(rows=False)
