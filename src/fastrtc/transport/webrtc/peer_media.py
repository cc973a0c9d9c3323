"""The connection of the negotiated tracks of a peer with the media of its session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aiortc import RTCPeerConnection

from ...pacing.sender_clocks import Kind, SenderClocks
from ...pacing.sent_audio import HeardUntil
from ...session.media import Media
from ...session.session import Session
from ._aiortc.audio_sender import send_encoded
from ._aiortc.capture_times import report_captures
from ._aiortc.codecs import announce_fec, negotiated_codecs
from ._aiortc.consent import ask_peer
from ._aiortc.decoder_queue import bound_decoder
from ._aiortc.sender_reports import frame_time, watch_sender_reports
from ._aiortc.video_sender import follow_loss
from .audio_receiver import AudioReceiver
from .audio_tracks import AudioMediaCallback
from .figures import Figures
from .media_track import MediaCallback
from .offer import Offer
from .opus import supports_fec
from .outages import ANSWER_S, watch_outages
from .rtp_time import rtp_distance
from .second_video import SecondVideo, read_video

__all__ = ["PeerMedia"]

ON_THE_WAY_S = 0.1
"""How long audio takes to the client, and what it says to the server, together, in seconds. It is
only used for clients that do not say how much they have heard: better some syllable twice."""

_DIRECTIONS = {
    (True, True): "sendrecv",
    (True, False): "recvonly",
    (False, True): "sendonly",
    (False, False): "inactive",
}
"""The server's direction of a track, by whether it receives and sends."""


class PeerMedia:
    """Connect the offered tracks of a peer with the media of its session.

    Args:
        session: The session.
        media: Its media.
        tracks: The outgoing tracks.
        figures: The figures of the connection.
        resumes: Whether a client resumes the session, whose media are used already.

    Attributes:
        receivers: The receivers of audio.
    """

    def __init__(
        self,
        session: Session,
        media: Media,
        tracks: Sequence[MediaCallback],
        figures: Figures,
        *,
        resumes: bool,
    ) -> None:
        self._session = session
        self._media = media
        self._tracks = {track.kind: track for track in tracks}
        self._figures = figures
        self._resumes = resumes
        self._watches_outages = False
        self._clocks: SenderClocks | None = None  # of the client, if they are needed
        self.receivers: list[AudioReceiver] = []

    def attach(
        self, pc: RTCPeerConnection, offer: Offer, second_video: SecondVideo | None = None
    ) -> None:
        """Connect the offered tracks with the media; unused ones become inactive."""
        if not self._resumes:
            for kind in {"audio", "video"} - offer.receives:
                self._media.send_nothing(kind)
        recording = self._session.recording
        records_video = recording is not None and recording.has_video
        if records_video and offer.one_clock and len(offer.sources) > 1:
            self._clocks = SenderClocks()
        for transceiver in pc.getTransceivers():
            kind, mid = transceiver.kind, transceiver.mid
            takes, gives = offer.sources.get(kind) == mid, offer.sinks.get(kind) == mid
            if second_video is not None and mid == offer.second_video:
                second_video.attach(transceiver, pc)
                continue
            if takes:
                self._tracks[kind].track = transceiver.receiver.track
                self._take_in(transceiver)
            if gives:
                track = self._tracks[kind]
                transceiver.sender.replaceTrack(track)
                if isinstance(track, AudioMediaCallback):
                    codecs = negotiated_codecs(transceiver)
                    name = codecs[0].name if codecs else ""
                    track.use_codec(name, dtx=offer.dtx)
                    if name == "opus":
                        send_encoded(transceiver.sender)
                    self._figures.watch(transceiver.sender, track if offer.fec else None)
                else:
                    follow_loss(transceiver.sender)
                    report_captures(transceiver.sender)
            transceiver.direction = _DIRECTIONS[takes, gives]

    def _take_in(self, transceiver: Any) -> None:
        if transceiver.kind == "audio" and self._media.audio_in is not None:
            stereo = self._session.handler.expected_layout == "stereo"
            receiver = AudioReceiver(
                transceiver,
                self._media.audio_in,
                2 if stereo else 1,
                run=lambda reading: self._session.run("audio", reading),
            )
            self._watch_clock("audio", transceiver.receiver, receiver.time_of)
            self.receivers.append(receiver)
            if supports_fec():
                announce_fec(transceiver)
        elif transceiver.kind == "video" and self._media.video_in is not None:
            bound_decoder(transceiver.receiver)
            video_in = self._media.video_in
            video_in.clocks = self._clocks
            self._watch_clock(
                "video", transceiver.receiver, partial(frame_time, transceiver.receiver)
            )
            self._session.run("video-track", read_video(transceiver.receiver.track, video_in))

    def _watch_clock(
        self, kind: Kind, receiver: Any, time_of_report: Callable[[int], float | None]
    ) -> None:
        """Record what the client reports about its clock, if that is needed."""
        clocks = self._clocks
        if clocks is None:
            return

        def report(ntp: int, timestamp: int) -> None:
            media_s = time_of_report(timestamp)
            if media_s is not None:
                clocks.report(kind, ntp, media_s)

        watch_sender_reports(receiver, report)

    def heard_until(self, heard: int | None, heard_at: float | None) -> HeardUntil:
        """Return how far the client has heard the audio.

        Args:
            heard: The RTP timestamp of the last frame that it has played, if it says so.
            heard_at: When it was heard last, if that is known.
        """
        pts = None
        track, audio_out = self._tracks.get("audio"), self._media.audio_out
        sent = None if audio_out is None else audio_out.sent
        if isinstance(track, AudioMediaCallback) and sent is not None and heard is not None:
            origin, last = track.rtp_origin, sent.last_pts
            if origin is not None and last is not None:
                pts = last + rtp_distance(origin + last, heard)
        return HeardUntil(pts=pts, sent_by=None if heard_at is None else heard_at - ON_THE_WAY_S)

    def watch_outages(
        self,
        pc: RTCPeerConnection,
        heard_at: Callable[[], float | None],
        ended: Callable[[], bool],
    ) -> None:
        """Let the audio wait in short outages from now on; further calls do nothing.

        Args:
            pc: The connection, which is established.
            heard_at: Returns when a datagram of the client arrived last.
            ended: Returns whether the connection has ended.
        """
        audio_out = self._media.audio_out
        if audio_out is None or self._watches_outages or self._session.ended:
            return
        self._watches_outages = True
        watching = watch_outages(
            heard_at,
            lambda: ask_peer(pc, ANSWER_S),
            audio_out.hold,
            lambda heard_at: audio_out.release(self.heard_until(None, heard_at)),
            ended,
            lambda: self._media.playback.measured_round_trip_s,
        )
        self._session.run("outages", watching)

    def stop_receiving(self) -> None:
        """Ignore what arrives from now on."""
        for receiver in self.receivers:
            receiver.close()

    def stop_sending(self) -> None:
        """End the outgoing tracks."""
        for track in self._tracks.values():
            track.stop()
