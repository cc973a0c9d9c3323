"""The figures of a connection over WebRTC."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any, Literal

from aiortc import RTCPeerConnection

from ...core.stats import ConnectionStats
from ...session.figures import common_stats
from ...session.media import Media
from ...session.playback_reports import ASSUMED_DELAY_S
from ...session.session import Session
from ._aiortc.ice_state import read_ice
from ._aiortc.receiver_reports import ReceiverReport, watch_reports
from .audio_receiver import AudioReceiver
from .audio_tracks import AudioMediaCallback
from .expected_loss import ExpectedLoss
from .guard import guarded

__all__ = ["Figures"]

OPUS_DELAY_S = 0.0065
"""By how much Opus delays audio, in seconds: the look-ahead of its encoder (RFC 6716, 2.1.4 and
libopus' ``OPUS_GET_LOOKAHEAD``). The other codecs delay none."""

CLOCK_RATE = 48_000
"""The RTP clock rate of Opus in Hz, in which aiortc gives the jitter; that of other codecs of audio
is lower, so their jitter is an underestimate."""


class Figures:
    """Collect the client's reports about the audio that it gets.

    Args:
        pc: The connection.
        session: Its session.
        media: Its media.
    """

    def __init__(self, pc: RTCPeerConnection, session: Session, media: Media) -> None:
        self._pc = pc
        self._playback = media.playback
        self._session = session
        self._media = media
        self._loss_out: float | None = None

    def bind(self, read: Callable[[], ConnectionStats]) -> None:
        """Use them for the session, and set what is known of the playback of a WebRTC client.

        Args:
            read: Returns the figures.
        """
        self._session.read_stats = read
        self._playback.assumed_s = ASSUMED_DELAY_S
        self._playback.codec_s = self._media.arrivals.codec_s = OPUS_DELAY_S

    def watch(self, sender: Any, track: AudioMediaCallback | None) -> None:
        """Process the client's reports about the packets of a sender.

        Args:
            sender: The sender of the audio.
            track: Is protected with FEC against the loss; None for no FEC.
        """
        expected = ExpectedLoss()

        def process(report: ReceiverReport) -> None:
            self._loss_out = report.loss
            if report.round_trip_s is not None:
                self._playback.measured(report.round_trip_s)
            if track is not None:
                track.expect_loss(expected.report(report.loss))

        watch_reports(sender, process)

    def read(self, receivers: Iterable[AudioReceiver]) -> ConnectionStats:
        """Return the figures so far.

        Args:
            receivers: The receivers of the client's audio.
        """
        common = common_stats(self._session, self._media)
        received, lost, jitter_s = self._audio_packets()
        of_transport = self._of("transport")
        pair = read_ice(self._pc).selected
        receivers = tuple(receivers)
        return replace(
            common,
            codec=next((receiver.codec for receiver in receivers), ""),
            candidate_type=None if pair is None else pair.remote.type,
            protocol=None if pair is None else _protocol(pair.local.transport),
            jitter_s=jitter_s,
            loss_in=lost / (received + lost) if received else None,
            loss_out=self._loss_out,
            packets_received=received,
            packets_lost=lost,
            concealed_s=sum(receiver.concealed_s for receiver in receivers),
            bytes_received=sum(one.bytesReceived for one in of_transport),
            bytes_sent=sum(one.bytesSent for one in of_transport),
        )

    def _audio_packets(self) -> tuple[int, int, float | None]:
        """Return the numbers of audio packets that were received and lost, and their jitter."""
        streams = [one for one in self._of("inbound-rtp") if one.kind == "audio"]
        received = sum(one.packetsReceived for one in streams)
        lost = sum(max(0, one.packetsLost) for one in streams)
        jitter_s = max((one.jitter / CLOCK_RATE for one in streams), default=None)
        return received, lost, jitter_s

    @guarded(())
    def _of(self, type: str) -> tuple[Any, ...]:
        """Return aiortc's statistics of a type, each once."""
        found: dict[str, Any] = {}
        for transceiver in self._pc.getTransceivers():
            report = _result(transceiver.receiver.getStats())
            found |= {key: one for key, one in report.items() if one.type == type}
        return tuple(found.values())


def _result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of a coroutine that does not wait.

    Raises:
        RuntimeError: If it does.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} waits")


def _protocol(transport: str) -> Literal["udp", "tcp"]:
    return "tcp" if transport == "tcp" else "udp"
