"""The figures of a connection over WebRTC."""

from __future__ import annotations

from typing import Any

from aiortc import RTCPeerConnection

from ...session.media import Media
from ...session.playback_reports import ASSUMED_DELAY_S
from ._aiortc.receiver_reports import ReceiverReport, watch_reports
from .audio_tracks import AudioMediaCallback
from .expected_loss import ExpectedLoss

__all__ = ["Figures"]


class Figures:
    """Collect the client's reports about the audio that it gets.

    Args:
        pc: The connection.
        media: Its media.
    """

    def __init__(self, pc: RTCPeerConnection, media: Media) -> None:
        self._pc = pc
        self._playback = media.playback
        self._playback.assumed_s = ASSUMED_DELAY_S
        self._loss_out: float | None = None

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
                self._playback.round_trip_s = max(0.0, report.round_trip_s)
            if track is not None:
                track.expect_loss(expected.report(report.loss))

        watch_reports(sender, process)
