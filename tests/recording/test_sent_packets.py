"""Packets of what was played, in Ogg files as they were sent over WebRTC."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from fastrtc.audio.libopus import DELAY_S, LibopusDecoder
from fastrtc.recording.events import Played, Received, TakenBack
from fastrtc.recording.packet_track import PACKET_S
from fastrtc.recording.timeline import Timeline
from fastrtc.recording.track import Block
from fastrtc.transport.webrtc.opus import OpusEncoder

from .sound import RATE, onsets, tone
from .test_opus_side import (
    FRAME,
    NETWORK_S,
    Made,
    Quality,
    encode,
    heard_of,
    library,
    quality,
    received,
    voice,
)

FEC = {"without losses": 0, "with losses": 10}


class Sender:
    """The sender of a connection, which has said something before.

    Attributes:
        heard: What the client decoded of what was sent last.
    """

    def __init__(self, rate: int = 24_000, loss: int = 0) -> None:
        self._rate = rate
        self._encoder = OpusEncoder(1, rate)
        self._encoder.expect_loss(loss)
        self._decoder = LibopusDecoder(library(), 1, RATE)
        self.send(tone(0.5), 0.0)

    def send(self, sound: np.ndarray, due_s: float) -> list[Played]:
        """Send audio as it is due, and the silence after it."""
        low = np.concatenate((sound, np.zeros(RATE // 5, np.int16)))[:: RATE // self._rate]
        events, heard = [], []
        for n, frame in enumerate(low.reshape(-1, 1, self._rate // 50)):
            at_s, packet = due_s + n * 0.02, self._encoder.payload(frame)
            assert packet
            events.append(Played(at_s, at_s, True, self._rate, frame, packet))
            heard.append(self._decoder.decode(packet)[0])
        self.heard = np.concatenate(heard)
        return events


class Collected(Made):
    """A file.

    Attributes:
        played: The packets of what was played that are in it.
    """

    def __init__(self, path: Path, rates: tuple[int, int]) -> None:
        super().__init__(path, rates)
        self.played: list[bytes] = []

    def write(self, blocks: Iterable[Block]) -> None:
        kept = list(blocks)
        for block in kept:
            self.played += block.packets[1].values()
        super().write(kept)


def as_heard(recording: np.ndarray, heard: np.ndarray, due_s: float) -> tuple[Quality, float]:
    """What a recording is like, compared with what a client heard, and how late it is."""
    begin, most = round((due_s - DELAY_S) * RATE), round(0.03 * RATE)
    part = slice(RATE // 4, RATE // 2)
    wanted = heard[part].astype(float)
    shifts = range(max(-most, -begin), most)
    errors = [
        np.mean((recording[begin + shift :][part].astype(float) - wanted) ** 2) for shift in shifts
    ]
    shift = shifts[int(np.argmin(errors))]
    return quality(recording, heard, (begin + shift) / RATE), shift / RATE


@pytest.mark.parametrize("loss", FEC.values(), ids=FEC)
@pytest.mark.parametrize("due_s", [101.0, 101.0071, 101.0137])
def test_what_was_sent_is_in_the_file_as_it_was_sent(
    tmp_path: Path, due_s: float, loss: int
) -> None:
    sender = Sender(loss=loss)
    events = [*sender.send(tone(0.1), 100.2), *sender.send(voice(3), due_s)]
    client = received(encode(voice(5), "Chromium"), 100.0)
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record([*client, *events], 100.0, 105.5)
    left, right = made.close()
    found, late_s = as_heard(right, sender.heard, due_s - 100)
    found.check()
    assert found.share_as_sent == 1
    assert abs(late_s) < PACKET_S / 2 + 0.001
    assert quality(left, heard_of(client), NETWORK_S).share_as_sent == 1
    assert not right[RATE * 3 // 4 : round((due_s - 100.02) * RATE)].any()
    assert np.abs(right[round((due_s - 100 + 3.3) * RATE) :]).max() < 20


@pytest.mark.parametrize("loss", FEC.values(), ids=FEC)
@pytest.mark.parametrize("began_s", [102.0, 102.0071, 102.0137])
def test_a_start_within_a_reply(tmp_path: Path, began_s: float, loss: int) -> None:
    """There is nothing from before it, and the rest is as loud as it was; the next is copied."""
    sender = Sender(loss=loss)
    events = [e for e in sender.send(tone(3.0), 101.0) if e.sent_s >= began_s]
    heard = sender.heard[-len(events) * FRAME :]
    again = sender.send(voice(2), 106.0)
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record([*events, *again], began_s, 109.0)
    _, right = made.close()
    first_s = events[0].due_s - began_s
    loud = np.flatnonzero(np.abs(right.astype(int)) > 700) / RATE
    assert loud[0] > first_s - PACKET_S / 2 - 0.003
    levels = [np.abs(right[round((first_s + at) * RATE) :][:FRAME]).max() for at in (0.02, 0.1, 1)]
    assert levels == pytest.approx([np.abs(heard).max()] * 3, rel=0.15)
    found, _ = as_heard(right, sender.heard, 106.0 - began_s)
    assert found.share_as_sent == 1


def test_a_gap_within_speech_is_no_silence_before_what_follows(tmp_path: Path) -> None:
    """What was dropped for a slow disk, for example: a decoder does not know what is missing."""
    events = Sender().send(tone(3.0), 101.0)
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record([*events[:50], *events[70:]], 100.0, 106.0)
    _, right = made.close()
    after = np.flatnonzero(np.abs(right[round(2.1 * RATE) :].astype(int)) > 2000)[0] + 2.1 * RATE
    assert after / RATE == pytest.approx(2.4, abs=PACKET_S / 2 + 0.003)
    levels = [np.abs(right[round(after) + n * FRAME :][:FRAME]).max() for n in range(1, 10)]
    assert levels == pytest.approx([8000] * 9, rel=0.15)


@pytest.mark.parametrize("ppm", [-100, 100])
def test_both_sides_are_in_step_however_the_clocks_differ(ppm: int) -> None:
    """Positions of both are a multiple of 20 ms apart; only a step moves one within a reply."""
    clock, packet = 1 + ppm / 1e6, b"\xfc" + bytes(100)
    timeline, apart_s, written = Timeline(rates=(RATE, RATE), packets=True), [], [0, 0]
    sound = np.full((1, FRAME), 5, np.int16)
    lag_s, blocks = 0.0, list(timeline.start(100.0))
    for batch in range(14 * 150):
        events: list[Received | Played] = []
        for n in range(batch * 20, batch * 20 + 20):
            at_s, number = n * 0.02, n.to_bytes(4, "big")
            arrival_s = 100.0137 + (at_s + 0.02) * clock
            events.append(Received(7000 + at_s, True, arrival_s, RATE, sound, packet + number))
            if n % 250 > 100:
                due_s = 100.0071 + at_s + n // 250 * 0.0037
                events.append(Played(due_s, due_s, True, RATE, sound, packet + number))
        timeline.add(sorted(events, key=lambda event: event[2] if len(event) == 6 else event[1]))
        blocks += timeline.read(100 + batch * 0.4 + 0.4)
    for block in blocks:
        for side, packets in enumerate(block.packets):
            for at, data in packets.items():
                n, at_s = int.from_bytes(data[-4:], "big"), (written[side] + at) / RATE
                if side:
                    due_s = 0.0071 + n * 0.02 + n // 250 * 0.0037 - DELAY_S
                    apart_s.append(at_s - due_s - lag_s)
                else:
                    lag_s = at_s - 0.0137 - n * 0.02 * clock
            written[side] += len(block[side])
    assert len(apart_s) > 14 * 60 * 50 * 0.5
    assert np.abs(apart_s).max() < 0.0305
    assert np.mean(np.abs(apart_s) > 0.0105) < 0.05, "but for replies in which there was a step"


def test_a_client_whose_network_stalls_moves_no_reply(tmp_path: Path) -> None:
    sender = Sender()
    events = [*sender.send(tone(0.1), 100.2), *sender.send(voice(2), 103.0)]
    client = [
        event._replace(arrival_s=102.9) if 102.0 < event.arrival_s < 102.9 else event
        for event in received(encode(voice(5), "aiortc"), 100.0)
    ]
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record([*client, *events], 100.0, 105.5)
    _, right = made.close()
    found, late_s = as_heard(right, sender.heard, 3.0)
    assert found.share_as_sent == 1
    assert abs(late_s) < PACKET_S + 0.001


def test_a_greeting_before_the_client_sends(tmp_path: Path) -> None:
    """It is encoded, and may determine where packets are: up to 10 ms from their place."""
    sender = Sender()
    events = sender.send(voice(2), 100.0543)
    client = received(encode(voice(3), "aiortc"), 101.0)
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record([*client, *events], 100.0, 104.5)
    left, right = made.close()
    found, late_s = as_heard(right, sender.heard, 0.0543)
    found.check()
    assert abs(late_s) < PACKET_S / 2 + 0.001
    wanted = onsets(heard_of(client))[0]
    assert onsets(left)[0] - 1 - NETWORK_S - wanted == pytest.approx(0, abs=PACKET_S / 2 + 0.001)


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("due_s", [102.0071, 102.0137])
def test_a_batch_ends_after_the_first_frames_of_a_reply(
    tmp_path: Path, due_s: float, frames: int
) -> None:
    """They are encoded; what follows is as it was sent, from a quiet moment after 1 s on."""
    sender = Sender()
    client = received(encode(voice(2), "Chromium"), 100.0)
    events = sender.send(voice(4), due_s)
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    timeline = made.timeline
    made.write(timeline.start(100.0))
    timeline.add(client[:90])
    made.write(timeline.read(102.0))
    timeline.add(events[:frames])
    made.write(timeline.read(102.05))
    for n in range(frames, len(events), 20):
        timeline.add(events[n : n + 20])
        made.write(timeline.read(events[n].sent_s + 0.4))
    made.write(timeline.stop(107.0))
    _, right = made.close()
    found, late_s = as_heard(right, sender.heard, due_s - 100)
    assert found.share_as_sent > 0.7
    assert abs(late_s) < PACKET_S / 2 + 0.001


def test_several_replies_are_at_their_times(tmp_path: Path) -> None:
    starts_s = 1.0, 2.613, 4.4471
    sender = Sender()
    events = [event for at in starts_s for event in sender.send(tone(1.0), 100 + at)]
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record(events, 100.0, 106.5)
    _, right = made.close()
    assert onsets(right) == pytest.approx(starts_s, abs=PACKET_S / 2 + 0.002)


def test_the_silence_that_is_sent_after_a_reply_is_not_written(tmp_path: Path) -> None:
    """After a pause a sender sends silence, so that the client decodes the end."""
    sender = Sender()
    before = sender.send(tone(0.1), 100.2)
    reply = sender.send(tone(1.0), 101.0)[:50]
    silence = sender.send(np.zeros(RATE // 5, np.int16), 102.06)
    after = sender.send(tone(0.5), 102.46)
    made = Collected(tmp_path / "call.ogg", (RATE, 24_000))
    made.record([*before, *reply, *silence, *after], 100.0, 104.0)
    sent = [*before[2:], *reply, *silence, *after]
    left_out = len(sent) - len(made.played)
    assert left_out > 15, "all of the first batch"
    begin = len(before[2:] + reply)
    assert made.played == [event.packet for event in sent[:begin] + sent[begin + left_out :]]
    _, right = made.close()
    assert onsets(right) == pytest.approx([0.2, 1.0, 2.46], abs=PACKET_S / 2 + 0.002)
    assert not right[round(2.1 * RATE) : round(2.44 * RATE)].any()


def test_a_reply_that_is_cut_ends_there(tmp_path: Path) -> None:
    events = Sender().send(tone(3.0), 101.0)[:55]
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record(events, 100.0, 105.0)
    _, right = made.close()
    loud = np.flatnonzero(np.abs(right.astype(int)) > 2000) / RATE
    assert loud[-1] == pytest.approx(2.1, abs=PACKET_S / 2 + 0.01)
    assert not right[round(2.3 * RATE) :].any()


def test_what_a_client_did_not_get_is_not_in_it(tmp_path: Path) -> None:
    """Its network was lost; what was sent then is sent again."""
    sender = Sender()
    before, again = sender.send(tone(1.0), 101.0)[:50], sender.send(tone(1.0), 103.0)[:50]
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    timeline = made.timeline
    made.write(timeline.start(100.0))
    timeline.add([*before, TakenBack(0.5)])
    made.write(timeline.read(102.4))
    timeline.add(again)
    made.write(timeline.stop(104.5))
    _, right = made.close()
    loud = np.flatnonzero(np.abs(right.astype(int)) > 2000) / RATE
    assert loud[loud < 2][-1] == pytest.approx(1.5, abs=PACKET_S + 0.01)
    assert onsets(right) == pytest.approx([1.0, 3.0], abs=PACKET_S / 2 + 0.002)


@pytest.mark.parametrize("stall_s", [0.05, 0.15, 0.4])
def test_a_stall_of_the_server_loses_nothing(tmp_path: Path, stall_s: float) -> None:
    """What the client plays later, and then faster, is encoded."""
    sender = Sender()
    events = [
        event._replace(sent_s=max(event.due_s, 102.0 + stall_s) if event.due_s > 102 else event[0])
        for at_s, sound in ((100.2, tone(0.1)), (101.0, voice(4)))
        for event in sender.send(sound, at_s)
    ]
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record(events, 100.0, 106.5)
    _, right = made.close()
    began, _ = as_heard(right, sender.heard[: 40 * FRAME], 1.0)
    assert began.share_as_sent == 1
    right = right[RATE * 3 // 4 :][: len(right) // RATE * RATE - RATE]
    assert len(onsets(right, 0.1)) == len(onsets(sender.heard, 0.1))
    active = np.abs(right.astype(int)).reshape(-1, FRAME).max(axis=1) > 300
    wanted = np.abs(sender.heard.astype(int)).reshape(-1, FRAME).max(axis=1) > 300
    assert active.sum() == pytest.approx(wanted.sum(), abs=6)


def test_audio_of_a_higher_rate_follows_as_it_was_sent(tmp_path: Path) -> None:
    low, high = Sender(), Sender(RATE)
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    first = [*low.send(tone(0.1), 100.2), *low.send(voice(2), 101.0)]
    made.record([*first, *high.send(voice(2), 104.0)], 100.0, 107.0)
    _, right = made.close()
    for sender, due_s in ((low, 1.0), (high, 4.0)):
        found, late_s = as_heard(right, sender.heard, due_s)
        assert found.share_as_sent == 1
        assert abs(late_s) < PACKET_S / 2 + 0.001


def test_a_rate_that_the_recording_has_not_is_encoded(tmp_path: Path) -> None:
    sender = Sender(16_000)
    events = sender.send(voice(2), 101.0)
    made = Made(tmp_path / "call.ogg", (RATE, 24_000))
    made.record(events, 100.0, 104.0)
    _, right = made.close()
    found, late_s = as_heard(right, sender.heard, 1.0)
    assert abs(late_s) < 0.002
    assert found.share_as_sent == 0
