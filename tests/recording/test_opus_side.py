"""Packets of the client in Ogg files as they came, compared with what the server decoded."""

from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest

from fastrtc.audio.libopus import LOW_DELAY_S, Libopus, LibopusDecoder, LibopusEncoder, libopus
from fastrtc.recording.consent import MARGIN_S
from fastrtc.recording.events import Event, Received
from fastrtc.recording.opus_side import HANGOVER, OpusSide
from fastrtc.recording.opus_sink import OpusSink
from fastrtc.recording.timeline import Timeline
from fastrtc.recording.track import HELD_BACK_S, Block, SampleTrack

from .sound import RATE, gaps, on_time, onsets, read, tone

FRAME = RATE // 50
NETWORK_S = 0.0437
LOUD = 300
"""From which level on 20 ms are compared."""

AS_SENT_DB = 30.0
"""The signal to noise ratio from which on audio has not been encoded again, which leaves 20 dB."""

CLIENTS = {
    "Chromium": (1, 32_000, True, 15),  # hybrid
    "aiortc": (2, 96_000, False, 31),  # CELT
    "narrow": (1, 16_000, True, 9),  # SILK
}
"""Channels, bit rate, FEC, and the configuration of their packets."""


def library() -> Libopus:
    found = libopus()
    assert found is not None, "the wheel of PyAV has it"
    return found


def voice(seconds: float, room: float = 60.0) -> np.ndarray:
    """Something like a voice: harmonics of a pitch that moves, in words of 1 s, in a room."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.7 * t)) / RATE
    sound = sum(np.sin(n * phase) / n for n in range(1, 20))
    noise = np.random.default_rng(1).normal(0, room, len(t))
    return np.asarray(5000 * sound * np.sin(np.pi * t) ** 4 + noise).astype(np.int16)


def encode(sound: np.ndarray, client: str) -> list[bytes]:
    channels, bit_rate, fec, configuration = CLIENTS[client]
    encoder = LibopusEncoder(library(), channels, RATE, bit_rate, 5)
    encoder.expect_loss(5 if fec else 0)
    frames = np.repeat(sound[np.newaxis], channels, axis=0).reshape(channels, -1, FRAME)
    packets = [encoder.encode(frames[:, n]) for n in range(frames.shape[1])]
    used = [packet[0] >> 3 for packet in packets]
    assert used.count(configuration) > 0.9 * len(used)
    return packets


def received(
    packets: Iterable[bytes],
    began_s: float,
    rate: int = RATE,
    lost: Container[int] = (),
    sent: Callable[[int], bool] = lambda n: True,
) -> list[Received]:
    """The events of a call; in place of lost packets, what the decoder conceals."""
    decoder, events = LibopusDecoder(library(), 1, rate), []
    for n, packet in enumerate(packets):
        if not sent(n):
            continue
        samples = decoder.conceal(rate // 50) if n in lost else decoder.decode(packet)
        arrival_s = began_s + NETWORK_S + (n + 1) * 0.02
        whole = b"" if n in lost else packet
        events.append(Received(7000 + n * 0.02, True, arrival_s, rate, samples, whole))
    return events


class Made:
    """A file, and which packets of the client are in it."""

    def __init__(
        self, path: Path, rates: tuple[int, int] = (RATE, RATE), *, consent: bool = False
    ) -> None:
        self._path = path
        self.timeline = Timeline(rates=rates, packets=True, consent=consent)
        self.sink = OpusSink(path.open("w+b", buffering=0), library())

    def write(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self.sink.write(block)
        self.sink.flush()

    def record(self, events: Iterable[Event], began_s: float, until_s: float) -> None:
        """Record a stretch, in batches as the writer does."""
        waiting = sorted(events, key=arrival)
        self.write(self.timeline.start(began_s))
        for at_s in np.arange(began_s + 0.4, until_s, 0.4):
            now = [event for event in waiting if arrival(event) <= at_s]
            waiting = waiting[len(now) :]
            self.timeline.add(now)
            self.write(self.timeline.read(at_s))
        self.timeline.add([event for event in waiting if arrival(event) <= until_s])
        self.write(self.timeline.stop(until_s))

    def close(self) -> tuple[np.ndarray, np.ndarray]:
        """Complete the file, and return what libopus makes of it."""
        self.sink.close()
        assert self.sink.size() == self._path.stat().st_size
        left, right = decoded_by_libopus(self._path)
        assert left.size == pytest.approx(self.timeline.written, abs=1)
        return left, right


def decoded_by_libopus(path: Path) -> np.ndarray:
    """The samples of a recording, shape `(2, n)`; FFmpeg's decoder resamples SILK differently."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        decoder: Any = av.CodecContext.create("libopus", "r")
        decoder.extradata, decoder.layout = stream.codec_context.extradata, "stereo"
        decoder.sample_rate = RATE
        frames = [frame for packet in container.demux(stream) for frame in decoder.decode(packet)]
    return np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in frames]).T


def arrival(event: Event) -> float:
    at_s: float = event.arrival_s if isinstance(event, Received) else event.sent_s  # type: ignore[union-attr]
    return at_s


def heard_of(events: list[Received]) -> np.ndarray:
    return np.concatenate([event.samples[0] for event in events])


class Quality(NamedTuple):
    """Of each 20 ms in which something was heard; NaN in the others.

    Attributes:
        snr_db: The signal to noise ratio.
        level_db: How much louder than it was heard.
    """

    snr_db: np.ndarray
    level_db: np.ndarray

    @property
    def share_as_sent(self) -> float:
        there = ~np.isnan(self.snr_db)
        return float(np.mean(self.snr_db[there] > AS_SENT_DB))

    def between(self, begin_s: float, end_s: float) -> "Quality":
        part = slice(round(begin_s * 50), round(end_s * 50))
        return Quality(self.snr_db[part], self.level_db[part])

    def check(self) -> None:
        """Nothing is missing, or louder, where it can be heard well."""
        there = ~np.isnan(self.level_db)
        assert np.abs(self.level_db[there]).max() < 2.5
        assert self.snr_db[there].min() > 4


def quality(recording: np.ndarray, heard: np.ndarray, at_s: float) -> Quality:
    """What a recording is like from a time on, compared with what was heard.

    The exact place is one that all sample rates have, which may be 6 samples later.
    """
    begin, found = round(at_s * RATE), []
    for exact in range(begin - 1, begin + 8):
        pair = recording[exact : exact + len(heard)].astype(float), heard.astype(float)
        n = min(map(len, pair)) // FRAME * FRAME
        recorded, wanted = (side[:n].reshape(-1, FRAME) for side in pair)
        signal, noise = (wanted**2).mean(axis=1), ((recorded - wanted) ** 2).mean(axis=1)
        snr_db = 10 * np.log10((signal + 1) / (noise + 1))
        level_db = 10 * np.log10(((recorded**2).mean(axis=1) + 1) / (signal + 1))
        snr_db[signal < LOUD**2] = level_db[signal < LOUD**2] = np.nan
        found.append(Quality(snr_db, level_db))
    return max(found, key=lambda each: float(np.nanmedian(each.snr_db)))


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize("began_s", [100.0, 100.0071])
def test_what_came_is_in_the_file_as_it_came(tmp_path: Path, client: str, began_s: float) -> None:
    """With a pause, in which there is silence; on the other side is what was played."""
    sound = np.concatenate((voice(3), np.zeros(RATE, np.int16), voice(2)))
    events = received(encode(sound, client), 100.0)
    played = on_time(101.0, RATE, tone(0.5)[np.newaxis])
    made = Made(tmp_path / "call.ogg")
    made.record([*events, played], began_s, 107.0)
    left, right = made.close()
    at_s = 100 + NETWORK_S - began_s
    found = quality(left, heard_of(events), at_s)
    found.check()
    assert found.share_as_sent == 1
    by_ffmpeg = quality(read(tmp_path / "call.ogg")[0], heard_of(events), at_s)
    assert np.nanmedian(by_ffmpeg.snr_db) > 15
    assert onsets(right) == pytest.approx([101 - began_s], abs=0.002)
    pause = left[round((at_s + 3.3) * RATE) : round((at_s + 3.9) * RATE)]
    assert np.abs(pause).max() < 20


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_handler_of_a_lower_rate_loses_nothing_of_the_recording(
    tmp_path: Path, rate: int
) -> None:
    packets = encode(voice(3), "aiortc")
    made = Made(tmp_path / "call.ogg", (rate, 24_000))
    made.record(received(packets, 100.0, rate), 100.0, 103.0)
    left, _ = made.close()
    found = quality(left, heard_of(received(packets, 100.0)), NETWORK_S)
    found.check()
    assert found.share_as_sent > 0.9


@pytest.mark.parametrize("phase", range(3))
def test_what_was_lost_is_encoded_and_then_packets_are_written_again(
    tmp_path: Path, client: str, phase: int
) -> None:
    """They are after 1 s in which nothing was lost, between two words."""
    lost = range(120 + phase, 122 + phase)
    events = received(encode(voice(8), client), 100.0, lost=lost)
    made = Made(tmp_path / "call.ogg")
    made.record(events, 100.0, 108.0)
    left, _ = made.close()
    found = quality(left, heard_of(events), NETWORK_S)
    found.check()
    assert found.between(0.1, 2.34).share_as_sent == 1
    assert found.between(2.5, 3.9).share_as_sent == 0
    assert found.between(4.3, 7.9).share_as_sent == 1


@pytest.mark.parametrize("phase", range(3))
def test_a_client_that_sends_nothing_in_pauses(tmp_path: Path, client: str, phase: int) -> None:
    """Its packets begin in the middle of one of the file; then that and what follows is encoded."""
    packets = encode(voice(6, room=0), client)
    events = received(packets, 100.0, sent=lambda n: phase <= n % 50 - 4 < 42)
    made = Made(tmp_path / "call.ogg")
    made.record(events, 100.0, 106.5)
    left, _ = made.close()
    heard = np.zeros(6 * RATE, np.int16)
    for event in events:
        at = round((event.media_s - 7000) * RATE)
        heard[at : at + FRAME] = event.samples[0]
    quality(left, heard, NETWORK_S).check()


def test_packets_that_are_not_20_ms_are_encoded(tmp_path: Path) -> None:
    events = [
        event._replace(packet=b"\xf0" + event.packet[1:])
        for event in received(encode(voice(2), "Chromium"), 100.0)
    ]
    made = Made(tmp_path / "call.ogg")
    made.record(events, 100.0, 102.0)
    left, _ = made.close()
    found = quality(left, heard_of(events), NETWORK_S)
    found.check()
    assert found.share_as_sent == 0


def test_nothing_after_a_stop_and_before_a_start_is_in_the_file(tmp_path: Path) -> None:
    """Both are in the middle of a packet."""
    packets = encode(tone(6), "aiortc")
    made = Made(tmp_path / "call.ogg")
    events = received(packets, 100.0)
    made.record([e for e in events if e.arrival_s <= 102.011], 100.0, 102.011)
    made.record([e for e in events if e.arrival_s > 104.003], 104.003, 106.0)
    left, _ = made.close()
    assert np.abs(left[round(2.06 * RATE) : round(3.96 * RATE)]).max() < 30
    loud = np.abs(left.astype(int)) > 2000
    assert np.flatnonzero(loud[: 3 * RATE])[-1] / RATE == pytest.approx(2.004, abs=0.004)
    assert np.flatnonzero(loud[3 * RATE :])[0] / RATE + 3 == pytest.approx(
        4.003 + MARGIN_S, abs=0.015
    )


@pytest.mark.parametrize("arrives", [lambda at: at, lambda at: at if at < 2 else max(at, 2.7)])
def test_what_a_process_that_is_killed_leaves(
    tmp_path: Path, arrives: Callable[[float], float]
) -> None:
    packets = encode(voice(4), "aiortc")
    events = [
        event._replace(arrival_s=100 + arrives(event.arrival_s - 100))
        for event in received(packets, 100.0)
    ]
    made = Made(tmp_path / "call.ogg")
    made.write(made.timeline.start(100.0))
    for at_s in np.arange(100.4, 103.3, 0.4):
        made.timeline.add([e for e in events if at_s - 0.4 < e.arrival_s <= at_s])
        made.write(made.timeline.read(at_s))
    left, _ = read(tmp_path / "call.ogg")
    made.sink.close()
    assert len(left) / RATE > 3.2 - HELD_BACK_S - 0.07
    assert np.abs(left[-RATE // 2 :]).max() > 2000
    found = quality(left, heard_of(received(packets, 100.0))[: round(1.9 * RATE)], NETWORK_S)
    assert np.nanmedian(found.snr_db) > 15


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_clock_that_differs_is_followed_in_steps(ppm: int) -> None:
    """Every 40 s or so its audio is moved by a packet, in a pause if there is one."""
    clock, seconds = 1 + ppm / 1e6, 150
    packet = b"\xfc" + bytes(100)
    loud, silent = tone(0.02)[np.newaxis], np.zeros((1, FRAME), np.int16)
    timeline, events, errors = Timeline(packets=True), [], []
    for n in range(seconds * 50):
        at_s = n * 0.02
        frame = silent if n % 100 > 80 else loud
        arrival_s = 100 + NETWORK_S + (at_s + 0.02) * clock
        marked = packet + n.to_bytes(4, "big")
        events.append(Received(7000 + at_s, True, arrival_s, RATE, frame, marked))
    written, blocks = 0, list(timeline.start(100.0))
    for end in range(20, len(events), 20):
        timeline.add(events[end - 20 : end])
        blocks += timeline.read(events[end - 1].arrival_s)
    for block in blocks:
        for at, data in block.packets[0].items():
            wanted_s = NETWORK_S + int.from_bytes(data[-4:], "big") * 0.02 * clock
            errors.append((written + at) / RATE - wanted_s)
        assert block.phase == blocks[0].phase
        written += len(block.received)
    assert len(errors) > 0.9 * len(events)
    assert np.abs(errors).max() < 0.02
    assert len({round(error, 2) for error in errors}) > 1, "the clocks differ"


def test_the_first_packets_after_the_consent_are_encoded() -> None:
    """Each may have a copy of the one before."""
    events = received(encode(tone(2), "Chromium"), 100.0)
    timeline = Timeline(packets=True, consent=True)
    blocks = list(timeline.start(101.005))
    timeline.add([event for event in events if event.arrival_s > 101.005])
    blocks += timeline.stop(102.0)
    packets = [packet for block in blocks for packet in block.packets[0].values()]
    after = [event.packet for event in events if 101.005 < event.arrival_s <= 102.0]
    assert packets == after[3:], "the first one is left out"


@pytest.mark.parametrize("delay_s", [0.0, 0.5037, 1.2])
def test_speech_after_the_consent_has_no_hole(delay_s: float) -> None:
    """The client may begin long after it, when the positions of packets are given."""
    events = received(encode(tone(2), "aiortc"), 100.0)
    blocks, timeline = [], Timeline(packets=True, consent=True)
    blocks += timeline.start(100.01 - delay_s)
    for at_s in np.arange(100.01 - delay_s, 102.01, 0.4):
        timeline.add([event for event in events if at_s - 0.4 < event.arrival_s <= at_s])
        blocks += timeline.read(at_s)
    blocks += timeline.stop(102.2)
    left = np.concatenate([block.received.samples for block in blocks])
    assert gaps(left[: np.flatnonzero(left)[-1]]) == []
    assert sum(len(block.packets[0]) for block in blocks) > 60


def test_after_a_packet_of_another_length_they_are_written_again(tmp_path: Path) -> None:
    """The rest is 10 ms from where it can be, which is made up in 2 s."""
    events = received(encode(voice(9), "aiortc"), 100.0)
    short = events[75]._replace(samples=events[75].samples[:, : FRAME // 2], packet=b"\xf0" * 80)
    shift = [e._replace(media_s=e.media_s - 0.01, arrival_s=e.arrival_s - 0.01) for e in events]
    made = Made(tmp_path / "call.ogg")
    made.record([*events[:75], short, *shift[76:]], 100.0, 109.0)
    left, _ = made.close()
    before = quality(left, heard_of(events[:70]), NETWORK_S)
    assert before.share_as_sent == 1
    heard = heard_of(events[350:])
    after = max(
        (quality(left, heard, NETWORK_S + 7 + moved_s) for moved_s in (-0.02, 0.0)),
        key=lambda found: float(np.nanmedian(found.snr_db)),
    )
    assert after.share_as_sent > 0.9


def test_a_short_gap_after_encoded_speech_is_no_beginning() -> None:
    """Packets after it depend on those before it, which were not written."""
    sound, size = voice(2)[: 60 * FRAME], FRAME
    packets = [event.packet for event in received(encode(sound, "Chromium"), 0.0)]
    for gap in (2, 3, 6):
        track, side, begin = SampleTrack(RATE), OpusSide(library()), 20 + gap
        track.place(0, tone(0.4))
        written = side.push(track.read(begin * size), RATE)
        track.place(begin * size, sound[: 30 * size])
        sent = {n * size - round(LOW_DELAY_S * RATE): packets[n] for n in range(30)}
        written += side.push(track.read((begin + 30) * size), RATE, sent)
        assert len(written) == begin + 30
        assert (packets[1] in written) is (gap > HANGOVER + 1), gap


def test_silence_is_left_out_up_to_a_packet_that_was_sent() -> None:
    side, packet = OpusSide(library()), b"\x78" + bytes(60)
    written = side.push(SampleTrack().read(20 * FRAME), RATE, {7 * FRAME - 120: packet})
    assert [one == packet for one in written] == [n == 7 for n in range(20)]
    assert written.count(side._silence) >= 18
