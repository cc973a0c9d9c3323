"""The receiving side of audio: jitter buffer, packet loss concealment, decoding."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from ...audio.concealment import PacketLossConcealment
from ...core.limits import RateLimit
from ...pacing.jitter_buffer import JitterBuffer, Packet
from ...pacing.taps import Source
from ._aiortc.audio_packets import AudioDecoder, take_packets
from ._aiortc.codecs import negotiated_codecs
from .guard import guarded
from .opus import OPUS_RATE, OpusDecoder, make_decoder
from .rtp_time import distance_of_report

__all__ = ["AudioReceiver", "AudioSink"]

logger = logging.getLogger(__name__)

MAX_CONCEALED_S = 0.1
"""How much lost audio is concealed, in seconds, so that audio time in the handler advances as it
did for the speaker. A longer gap counts as a pause: one packet is concealed, in which the sound
fades."""

MAX_SKIPPED_S = 2.0
"""The longest gap between the RTP times of consecutive packets that counts as omitted audio, in
seconds: a sender in DTX sends one packet every 0.4 s. A longer gap counts as a new stream."""

ROUNDING_S = 0.002
"""Differences of RTP times up to this, in seconds, are no gap."""

MAX_AHEAD_S = 5.0
"""How far the audio of a peer may be ahead of real time, in seconds. Without a limit, a peer that
sends faster would keep the decoder busy all the time."""

CODEC_CHANGES_PER_S = 2.0
"""How often a peer may change its codec per second: each change creates a decoder and a resampler,
some 1 ms. Peers change it when their network degrades, if ever."""

CODEC_BURST_S = 5.0
"""How many seconds' worth of codec changes a peer may use at once."""


class AudioSink(Protocol):
    """A receiver of decoded audio, such as the queue of a handler.

    Attributes:
        source: Where the audio that is pushed next is from.
    """

    source: Source | None

    @property
    def rate(self) -> int:
        """The preferred sample rate in Hz, which decoders use if they can."""

    def push(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Process audio, shape ``(channels, n)``."""

    def skip(self, seconds: float) -> None:
        """Account for audio that the sender omitted (DTX)."""


class AudioReceiver:
    """Decode the audio of a peer and push it to a sink.

    Args:
        transceiver: The transceiver that receives the audio, with negotiated codecs.
        inbound: Receives the audio: the queue of the handler.
        channels: The number of channels that it expects.
        run: Starts a task that reads the track, if packets are not accessible.

    Attributes:
        concealed_s: How much lost audio was concealed, in seconds.
    """

    def __init__(
        self,
        transceiver: Any,
        inbound: AudioSink,
        channels: int,
        run: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._inbound = inbound
        self._channels = channels
        self._loop = asyncio.get_running_loop()
        self._codecs = {codec.payload_type: codec for codec in negotiated_codecs(transceiver)}
        self._buffer: JitterBuffer[tuple[int, bytes]] = JitterBuffer()
        self._timer: asyncio.Handle | None = None
        self._timer_at: float | None = None  # handles of uvloop do not have it
        self._payload_type: int | None = None
        self._last_type: int | None = None  # payload type of the last packet
        self._changes = RateLimit(CODEC_CHANGES_PER_S, CODEC_BURST_S)
        self._opus: OpusDecoder | None = None
        self._other: AudioDecoder | None = None
        self._concealment = PacketLossConcealment()
        self.concealed_s = 0.0
        self._run = run
        self._decoded_s = 0.0
        self._packet_s = 0.0  # length of the last packet
        self._next_timestamp: int | None = None  # of the next packet, if none is lost
        self._started_at: float | None = None
        self._flooded = False
        self._closed = False
        receiver: RTCRtpReceiver = transceiver.receiver
        self._track: MediaStreamTrack = receiver.track
        if not (self._codecs and take_packets(receiver, self, self._read_track)):
            self._read_track()

    def _read_track(self) -> None:
        self._run(self._read())

    async def _read(self) -> None:
        while True:
            try:
                frame: Any = await self._track.recv()
            except MediaStreamError:
                return
            self._inbound.push(frame.sample_rate, _planar(frame))

    def push(self, sequence: int, timestamp: int, payload_type: int, payload: bytes) -> None:
        """Process a packet of the receiver, on the event loop."""
        if self._closed or payload_type not in self._codecs:
            return
        now = self._loop.time()
        if payload_type != self._last_type:
            if self._last_type is not None and not self._changes.allows(now):
                return
            self._last_type = payload_type
        try:
            self._deliver(self._buffer.push(sequence, timestamp, (payload_type, payload), now))
        finally:
            self._set_timer()

    @property
    def codec(self) -> str:
        """The codec of the last packet; empty before the first."""
        kind = self._payload_type
        return "" if kind is None else str(self._codecs[kind].name).lower()

    @property
    def heard(self) -> int | None:
        """The RTP timestamp of the last sample that was delivered; None before the first packet."""
        return None if self._next_timestamp is None else (self._next_timestamp - 1) & 0xFFFFFFFF

    def time_of(self, timestamp: int) -> float | None:
        """Return the time of an RTP timestamp as ``AudioSink.source`` has it, in seconds.

        Args:
            timestamp: The timestamp of a sender report.

        Returns:
            None before the first packet, and if it is of another stream.
        """
        if self._next_timestamp is None or self._payload_type is None:
            return None
        clock: int = self._codecs[self._payload_type].parameters.clockRate
        ahead = distance_of_report(self._next_timestamp, timestamp, clock)
        return None if ahead is None else (self._next_timestamp + ahead) / clock

    def close(self) -> None:
        """Ignore further packets, and stop the timer."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._timer_at = None

    def _set_timer(self) -> None:
        deadline = self._buffer.deadline
        if deadline == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = deadline
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._gap_ends)

    @guarded(None)
    def _gap_ends(self) -> None:
        deadline, self._timer, self._timer_at = self._timer_at, None, None
        now = self._loop.time()
        try:  # timers of uvloop fire up to 0.5 ms early
            self._deliver(self._buffer.poll(now if deadline is None else max(deadline, now)))
        finally:
            self._set_timer()

    def _deliver(self, packets: list[Packet[tuple[int, bytes]]]) -> None:
        for packet in packets:
            if self._too_fast():
                return
            self._deliver_one(packet)

    @guarded(None)
    def _deliver_one(self, packet: Packet[tuple[int, bytes]]) -> None:
        payload_type, payload = packet.payload
        clock: int = self._codecs[payload_type].parameters.clockRate
        omitted_s = faded_s = 0.0
        if self._next_timestamp is not None:
            omitted_s = (packet.timestamp - self._next_timestamp) / clock
        try:
            if payload_type != self._payload_type:
                self._use_codec(payload_type)
            if packet.lost:
                gap_s = packet.lost * self._packet_s
                omitted_s -= gap_s
                faded_s = gap_s if gap_s <= MAX_CONCEALED_S else self._packet_s
                if self._opus is not None and self._opus.in_speech_mode:
                    # FEC has the audio directly before the packet
                    adjacent = faded_s == gap_s and abs(omitted_s) < ROUNDING_S
                    self._inbound.source = Source(packet.timestamp / clock - faded_s, b"")
                    self._conceal(self._opus, faded_s, payload if adjacent else b"")
                    faded_s = 0.0
            rate, samples = self._decode(packet)
        except (av.FFmpegError, ValueError) as error:
            logger.debug("A packet could not be decoded: %s", error)
            return
        seconds = samples.shape[1] / rate
        self.concealed_s += faded_s
        if seconds:
            self._packet_s = seconds
        self._decoded_s += seconds
        self._next_timestamp = packet.timestamp + round(seconds * clock)
        if 0 < omitted_s <= MAX_SKIPPED_S:  # by the sender, as in DTX (RFC 7587)
            self._inbound.skip(omitted_s)
        as_sent = payload if self._opus is not None and not faded_s else b""
        self._inbound.source = Source(packet.timestamp / clock - faded_s, as_sent)
        self._inbound.push(rate, self._concealment.fill(rate, samples, round(faded_s * rate)))

    def _conceal(self, opus: OpusDecoder, seconds: float, following: bytes) -> None:
        samples = opus.conceal(round(seconds * opus.rate), following)
        self._decoded_s += samples.shape[1] / opus.rate
        self.concealed_s += seconds
        self._inbound.push(opus.rate, samples)

    def _too_fast(self) -> bool:
        now = self._loop.time()
        if self._started_at is None:
            self._started_at = now
        if self._decoded_s <= now - self._started_at + MAX_AHEAD_S:
            return False
        if not self._flooded:
            self._flooded = True
            logger.warning("A peer sends audio faster than real time; dropping the excess")
        return True

    def _use_codec(self, payload_type: int) -> None:
        codec = self._codecs[payload_type]
        self._payload_type = payload_type
        is_opus = codec.name == "opus"
        self._opus = make_decoder(self._channels, self._inbound.rate) if is_opus else None
        self._other = None if self._opus else AudioDecoder(codec.parameters)

    def _decode(self, packet: Packet[tuple[int, bytes]]) -> tuple[int, NDArray[np.int16]]:
        _, payload = packet.payload
        if self._opus is not None:
            return self._opus.rate, self._opus.decode(payload)
        other = self._other
        frames = [] if other is None else other.decode(payload, packet.timestamp)
        if not frames:
            return OPUS_RATE, np.zeros((1, 0), dtype=np.int16)
        return frames[0].sample_rate, np.concatenate([_planar(f) for f in frames], axis=1)


def _planar(frame: Any) -> NDArray[np.int16]:
    """Return the samples of a packed 16-bit frame of aiortc's decoders, shape ``(channels, n)``."""
    samples: NDArray[np.int16] = frame.to_ndarray().reshape(-1, len(frame.layout.channels)).T
    return samples
