from __future__ import annotations

import asyncio
import functools
import logging
import types
from collections.abc import Coroutine
from contextlib import nullcontext
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from aiortc.codecs import CODECS, get_encoder
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from fastrtc.pacing.taps import Source
from fastrtc.transport.webrtc._aiortc import audio_packets, codecs
from fastrtc.transport.webrtc._aiortc.patch import Patch
from fastrtc.transport.webrtc.audio_receiver import MAX_AHEAD_S, MAX_CONCEALED_S, AudioReceiver
from fastrtc.transport.webrtc.opus import OpusEncoder, PyavDecoder
from tests.support.patches import without
from tests.support.speech import speech
from tests.support.virtual_time import virtual_time

JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"
FRAME = 960
OPUS, PCMU = 111, 0


def codec(name: str, payload_type: int) -> RTCRtpCodecParameters:
    known = next(c for c in CODECS["audio"] if c.name.lower() == name)
    return RTCRtpCodecParameters(
        mimeType=known.mimeType,
        clockRate=known.clockRate,
        channels=known.channels,
        payloadType=payload_type,
    )


class Inbound:
    """Keeps the audio that it is given."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.pushed: list[tuple[float, int, np.ndarray]] = []
        self.skipped: list[float] = []
        self.source: Source | None = None
        self.sources: list[Source | None] = []

    def push(self, rate: int, samples: np.ndarray) -> None:
        assert samples.dtype == np.int16
        self.sources.append(self.source)
        self.pushed.append((asyncio.get_running_loop().time(), rate, samples))

    def skip(self, seconds: float) -> None:
        self.skipped.append(seconds)

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([samples for _, _, samples in self.pushed], axis=1)

    @property
    def levels(self) -> list[int]:
        """How loud each push is, in thousands."""
        return [
            round(float(np.abs(s.astype(int)).max(initial=0)) / 1000) for _, _, s in self.pushed
        ]


class Line:
    """A receiver whose packets a test sends."""

    def __init__(
        self, *codecs: RTCRtpCodecParameters, channels: int = 1, rate: int = 48000
    ) -> None:
        self.inbound = Inbound(rate)
        self.buffer = types.SimpleNamespace(add=None)
        self.rtp = types.SimpleNamespace(**{JITTER_BUFFER: self.buffer}, track=None)
        transceiver = types.SimpleNamespace(_codecs=list(codecs), receiver=self.rtp)
        self.receiver = AudioReceiver(
            transceiver,
            self.inbound,  # type: ignore[arg-type]
            channels,
            pytest.fail,
        )

    def packet(
        self, number: int, payload: bytes, payload_type: int = OPUS, at: int | None = None
    ) -> None:
        """Send one as aiortc does, through what stands where its jitter buffer was.

        Its RTP time counts packets as its number does, if there is no other.
        """
        packet = types.SimpleNamespace(
            sequence_number=number % 65536,
            timestamp=(number if at is None else at) * FRAME % 2**32,
            payload_type=payload_type,
            _data=payload,
        )
        getattr(self.rtp, JITTER_BUFFER).add(packet)


@functools.cache
def opus(channels: int = 1) -> list[bytes]:
    """A second of a sine in packets."""
    k = np.arange(48000)
    sine = np.rint(8000 * np.sin(2 * np.pi * 500 * k / 48000)).astype(np.int16)
    samples = np.stack([sine] * channels)
    encoder = OpusEncoder(channels)
    return [bytes(encoder.encode(samples[:, at : at + FRAME], at)) for at in range(0, 48000, FRAME)]


def opus_line(channels: int = 1) -> Line:
    return Line(codec("opus", OPUS), codec("pcmu", PCMU), channels=channels)


def timers() -> int:
    return sum(not timer.cancelled() for timer in asyncio.get_running_loop()._scheduled)


@virtual_time
async def test_packets_are_decoded_as_they_come():
    line = opus_line()
    for number, payload in enumerate(opus()):
        line.packet(number, payload)
        assert len(line.inbound.pushed) == number + 1
        assert timers() == 0
        await asyncio.sleep(0.02)
    assert {rate for _, rate, _ in line.inbound.pushed} == {48000}
    assert line.inbound.samples.shape == (1, 48000)
    assert line.inbound.levels[2:] == [8] * 48


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sent", [1, 2])
@virtual_time
async def test_the_handler_gets_as_many_channels_as_it_wants(sent, channels):
    line = opus_line(channels)
    line.packet(0, opus(sent)[0])
    assert line.inbound.samples.shape == (channels, FRAME)


@pytest.mark.parametrize(("wanted", "decoded"), [(16000, 16000), (24000, 24000), (22050, 48000)])
@virtual_time
async def test_opus_is_decoded_at_the_rate_of_the_handler_if_it_can_be(wanted, decoded):
    line = Line(codec("opus", OPUS), rate=wanted)
    for number in range(3):
        line.packet(number, opus()[number])
    line.packet(4, opus()[4])
    await asyncio.sleep(0.1)

    assert {rate for _, rate, _ in line.inbound.pushed} == {decoded}
    assert line.inbound.samples.shape == (1, 5 * decoded // 50), "with the lost packet"


@virtual_time
async def test_packets_are_put_in_order():
    line = opus_line()
    for number in (0, 2, 1, 3, 3, 5, 4):
        line.packet(number, opus()[number])
        await asyncio.sleep(0.01)
    assert len(line.inbound.pushed) == 6
    assert timers() == 0


@virtual_time
async def test_a_lost_packet_is_made_up_for_after_a_short_wait():
    line = opus_line()
    for number in (0, 1, 2, 5):
        line.packet(number, opus()[number])
    assert line.inbound.samples.shape == (1, 3 * FRAME)
    assert timers() == 1
    await asyncio.sleep(0.1)
    assert line.inbound.samples.shape == (1, 6 * FRAME)
    assert line.inbound.samples[0, 3 * FRAME : 4 * FRAME].any()  # what was, fading
    assert not line.inbound.samples[0, 4 * FRAME : 5 * FRAME].any()
    assert timers() == 0
    at = [at for at, _, _ in line.inbound.pushed]
    assert at[3] - at[0] == pytest.approx(0.03)


@functools.cache
def protected() -> list[bytes]:
    """Three seconds of speech in packets with FEC."""
    samples = speech("The quick brown fox jumps over the lazy dog, and then it sleeps.")
    encoder = OpusEncoder(1)
    encoder.expect_loss(20)
    frames = range(0, samples.size - FRAME, FRAME)
    return [bytes(encoder.encode(samples[np.newaxis, k : k + FRAME], k)) for k in frames]


async def heard(lost: set[int], at: int = 0) -> np.ndarray:
    """What of the speech is heard without the packets that are lost."""
    line = opus_line()
    for number, payload in enumerate(protected()):
        if number not in lost:
            line.packet(number, payload, at=number + at * (number > max(lost, default=0)))
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    assert timers() == 0
    return line.inbound.samples[0].astype(float)


def error(samples: np.ndarray, clean: np.ndarray, packets: set[int]) -> float:
    """The error of some packets, as a part of their loudness."""
    there = np.concatenate([np.arange(k * FRAME, (k + 1) * FRAME) for k in sorted(packets)])
    return float(np.linalg.norm((samples - clean)[there]) / np.linalg.norm(clean[there]))


@pytest.mark.external("espeak-ng")
@virtual_time
async def test_a_lost_packet_is_heard_from_its_copy_in_the_next():
    clean, lost = await heard(set()), set(range(20, 150, 5))
    samples = await heard(lost)
    assert samples.size == clean.size
    assert error(samples, clean, lost) < 0.3


@pytest.mark.external("espeak-ng")
@virtual_time
async def test_of_several_lost_packets_the_last_is_heard_from_its_copy():
    clean, lost = await heard(set()), {20, 21, 22, 50, 51, 80, 81, 82, 83, 84}
    samples = await heard(lost)
    assert samples.size == clean.size
    assert error(samples, clean, {22, 51, 84}) < 0.6
    assert error(samples, clean, {20, 21, 50, 80, 81, 82, 83}) > 0.7


@pytest.mark.external("espeak-ng")
@virtual_time
async def test_a_copy_is_not_heard_where_it_does_not_belong():
    """After a pause of the sender, or at the start of a gap that is cut."""
    clean = await heard(set())
    samples = await heard({50}, at=25)
    assert samples.size == clean.size
    assert error(samples, clean, {50}) > 0.7
    gap = round(MAX_CONCEALED_S / 0.02) + 1
    samples = await heard(set(range(50, 50 + gap)))
    assert samples.size == clean.size - (gap - 1) * FRAME


@pytest.mark.external("espeak-ng")
@virtual_time
async def test_without_libopus_the_decoder_conceals(monkeypatch: pytest.MonkeyPatch):
    clean, lost = await heard(set()), set(range(20, 150, 5))
    with_fec = await heard(lost)
    monkeypatch.setattr(
        "fastrtc.transport.webrtc.audio_receiver.make_decoder", lambda n, rate: PyavDecoder(n)
    )
    samples = await heard(lost)
    assert samples.size == clean.size
    assert error(with_fec, clean, lost) < 0.5 * error(samples, clean, lost) < 0.5


@virtual_time
async def test_what_a_sender_in_dtx_leaves_out_is_neither_lost_nor_concealed():
    """It sends a packet every 0.4 s of silence, and one of them is lost."""
    encoder = OpusEncoder(1, dtx=True)
    k = np.arange(25 * FRAME)
    sine = np.rint(8000 * np.sin(2 * np.pi * 500 * k / 48000)).astype(np.int16)
    samples = np.concatenate([sine, np.zeros(150 * FRAME, np.int16), sine])[np.newaxis]
    line, number, dropped = opus_line(), 0, 0
    for at in range(samples.shape[1] // FRAME):
        packet = encoder.encode(samples[:, at * FRAME : (at + 1) * FRAME], at)
        if packet is not None:
            if at > 90 and not dropped:
                dropped = at
            else:
                line.packet(number, bytes(packet), at=at)
            number += 1
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    assert number < 100
    loud = np.abs(line.inbound.samples[0]).reshape(-1, FRAME).max(axis=1) > 1000
    assert 50 <= loud.sum() <= 52
    assert line.inbound.samples.shape[1] == number * FRAME  # one of them concealed, by silence
    assert sum(line.inbound.skipped) == pytest.approx((200 - number) * 0.02)
    times = [at for at, _, _ in line.inbound.pushed]
    assert times[-1] - times[0] == pytest.approx(199 * 0.02, abs=0.001)


@virtual_time
async def test_a_gap_whose_end_is_near_on_a_loop_whose_handles_know_no_time(monkeypatch):
    """As uvloop's do not, where `call_at` of what is less than 0.5 ms away is `call_soon`."""
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    class Handle:
        def __init__(self, *arguments, **options):
            self.cancel = call_at(*arguments, **options).cancel

    line = opus_line()
    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_at", Handle)
        for number in (0, 3, 2, 6, 5):
            line.packet(number, opus()[number])
    await asyncio.sleep(0.1)
    assert line.inbound.samples.shape == (1, 7 * FRAME)
    assert timers() == 0


@virtual_time
async def test_a_packet_that_fails_costs_no_other(caplog):
    """For a reason that nobody thought of, also where the timer of a gap delivers it."""
    line = opus_line()
    line.packet(0, opus()[0])
    push, line.inbound.push = line.inbound.push, None  # type: ignore[method-assign, assignment]
    line.packet(1, opus()[1])
    line.packet(3, opus()[3])
    await asyncio.sleep(0.1)
    line.inbound.push = push  # type: ignore[method-assign]
    line.packet(5, opus()[5])
    await asyncio.sleep(0.1)
    assert line.inbound.samples.shape == (1, 3 * FRAME)
    assert timers() == 0
    assert "AudioReceiver._deliver_one failed" in caplog.text


@virtual_time
async def test_a_long_gap_is_a_pause():
    line = opus_line()
    line.packet(0, opus()[0])
    lost = round(MAX_CONCEALED_S / 0.02) + 1
    line.packet(lost + 1, opus()[1])
    await asyncio.sleep(1)
    assert line.inbound.samples.shape == (1, 3 * FRAME)  # one of them to fade


@virtual_time
async def test_damaged_and_empty_packets_are_left_out():
    line = opus_line()
    for number, payload in enumerate([opus()[0], b"\xff" * 4, b"", opus()[3]]):
        line.packet(number, payload)
    assert [s.shape[1] for _, _, s in line.inbound.pushed if s.size] == [FRAME, FRAME]


@virtual_time
async def test_packets_of_no_negotiated_type_are_left_out():
    line = opus_line()
    line.packet(0, opus()[0])
    line.packet(1, b"telephone-event", payload_type=126)
    line.packet(1, opus()[1])
    assert len(line.inbound.pushed) == 2


@pytest.mark.parametrize("name", ["pcmu", "pcma", "g722"])
@virtual_time
async def test_other_codecs_are_decoded_by_aiortc(name):
    parameters = codec(name, 8)
    line = Line(parameters)
    encoder = get_encoder(parameters)
    rate = 16000 if name == "g722" else 8000
    size = rate // 50
    for number in range(10):
        k = np.arange(number * size, (number + 1) * size)
        sine = np.rint(8000 * np.sin(2 * np.pi * 500 * k / rate)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(sine[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, number * size, Fraction(1, rate)
        for payload in encoder.encode(frame)[0]:
            line.packet(number, payload, payload_type=8)
    assert {rate for _, rate, _ in line.inbound.pushed} == {rate}
    assert line.inbound.samples.shape == (1, 10 * size)
    assert np.abs(line.inbound.samples.astype(int)).max() == pytest.approx(8000, rel=0.1)


@virtual_time
async def test_the_codec_may_change_on_the_way():
    line = opus_line()
    line.packet(0, opus()[0])
    line.packet(1, b"\xff" * 160, payload_type=PCMU)
    line.packet(2, opus()[2])
    assert [(rate, s.shape[1]) for _, rate, s in line.inbound.pushed] == [
        (48000, FRAME),
        (8000, 160),
        (48000, FRAME),
    ]


@virtual_time
async def test_a_flood_is_not_decoded(caplog):
    line = opus_line()
    with caplog.at_level(logging.WARNING):
        for number in range(1000):  # 20 s at once
            line.packet(number, opus()[number % 50])
        heard = line.inbound.samples.shape[1] / 48000
        assert heard == pytest.approx(MAX_AHEAD_S, abs=0.03)
        assert [record.levelname for record in caplog.records] == ["WARNING"]

        await asyncio.sleep(2)
        for number in range(1000, 1200):
            line.packet(number, opus()[number % 50])
        heard = line.inbound.samples.shape[1] / 48000
        assert heard == pytest.approx(MAX_AHEAD_S + 2, abs=0.05)
    assert len(caplog.records) == 1


@virtual_time
async def test_a_pause_in_sending_is_no_credit_for_loss():
    line = opus_line()
    line.packet(0, opus()[0])
    await asyncio.sleep(60)
    line.packet(1, opus()[1])
    assert line.inbound.samples.shape == (1, 2 * FRAME)


@virtual_time
async def test_a_closed_receiver_leaves_no_timer_and_takes_nothing():
    line = opus_line()
    line.packet(0, opus()[0])
    line.packet(2, opus()[2])
    assert timers() == 1
    line.receiver.close()
    assert timers() == 0
    line.packet(4, opus()[4])
    line.packet(1, opus()[1])
    assert timers() == 0
    assert len(line.inbound.pushed) == 1
    line.receiver.close()


@virtual_time
async def test_the_track_is_not_read_when_packets_are_taken():
    opus_line()  # fails where it is


class Track:
    """A track that gives two frames and ends."""

    def __init__(self) -> None:
        packed = np.array([[1, -1, 2, -2, 3, -3]], np.int16)
        self.frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
        self.frame.sample_rate = 48000
        self.left = 2

    async def recv(self) -> Any:
        if not self.left:
            raise MediaStreamError
        self.left -= 1
        return self.frame


def of_a_track(*codecs: RTCRtpCodecParameters) -> Any:
    """A transceiver whose track can be read."""
    buffer = types.SimpleNamespace(add=lambda packet: (False, "of aiortc's buffer"))
    receiver = types.SimpleNamespace(**{JITTER_BUFFER: buffer}, track=Track())
    return types.SimpleNamespace(_codecs=list(codecs), receiver=receiver)


HEARD = [[[1, 2, 3], [-1, -2, -3]]] * 2


@pytest.mark.parametrize("lost", [None, audio_packets.PATCH, codecs.NEGOTIATED])
@virtual_time
async def test_where_packets_cannot_be_had_the_track_is_read(lost: Patch | None) -> None:
    transceiver = of_a_track(*([codec("opus", OPUS)] if lost else []))
    inbound, tasks = Inbound(48000), Tasks()
    with without(lost) if lost else nullcontext():
        receiver = AudioReceiver(transceiver, inbound, 2, tasks.run)  # type: ignore[arg-type]
    await tasks.done()
    receiver.close()
    assert [s.tolist() for _, _, s in inbound.pushed] == HEARD


@virtual_time
async def test_the_track_is_read_from_the_packet_on_that_has_another_shape(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transceiver = of_a_track(codec("opus", OPUS))
    inbound, tasks = Inbound(48000), Tasks()
    receiver = AudioReceiver(transceiver, inbound, 2, tasks.run)  # type: ignore[arg-type]
    packet = types.SimpleNamespace(sequence_number=1, timestamp=960, payload_type=OPUS)
    for _ in range(3):
        assert getattr(transceiver.receiver, JITTER_BUFFER).add(packet)[1] == "of aiortc's buffer"
    await tasks.done()
    receiver.close()
    assert [s.tolist() for _, _, s in inbound.pushed] == HEARD
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "has no attribute '_data'" in record.getMessage()


class Tasks:
    """The tasks of a session."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def done(self) -> None:
        (task,) = self._tasks
        await task


@pytest.mark.parametrize("speech_mode", [True, False])
@virtual_time
async def test_a_packet_is_told_with_audio_that_is_nothing_else(speech_mode: bool):
    """In the mode for speech what was lost is pushed alone, otherwise with the next packet."""
    encoder, line = OpusEncoder(1), opus_line()
    encoder.expect_loss(20 if speech_mode else 0)
    sine = np.rint(8000 * np.sin(np.arange(10 * FRAME) / 15)).astype(np.int16).reshape(10, 1, -1)
    payloads = [bytes(encoder.encode(frame, n * FRAME)) for n, frame in enumerate(sine)]
    for number in (0, 1, 2, 5, 6):
        line.packet(number, payloads[number])
    line.packet(7, b"\xff", OPUS)  # damaged
    line.packet(8, bytes(160), PCMU)
    await asyncio.sleep(0.2)
    told = [
        (round(source.media_s * 50), source.packet) for source in line.inbound.sources if source
    ]
    before = [(3, b""), (5, payloads[5])] if speech_mode else [(3, b"")]
    packets = [(n, payloads[n]) for n in (0, 1, 2)]
    assert told[: len(packets + before) + 1] == [*packets, *before, (6, payloads[6])]
    assert not any(packet for _, packet in told[len(packets + before) + 1 :])
    assert len(line.inbound.pushed) == len(told)


@virtual_time
async def test_the_time_of_a_report_is_that_of_the_audio():
    """It is on the scale of ``Source.media_s``, also around the wrap of the timestamps."""
    line = opus_line()
    assert line.receiver.time_of(0) is None
    first = 2**32 // FRAME - 2
    for number in range(first, first + 5):
        line.packet(number, opus()[0], at=number)
    times = [source.media_s for source in line.inbound.sources if source is not None]
    assert line.receiver.time_of((first + 1) * FRAME) == pytest.approx(times[1])
    assert line.receiver.time_of((first + 4) * FRAME % 2**32) == pytest.approx(times[4])
    assert line.receiver.time_of((first * FRAME + 2**31) % 2**32) is None
