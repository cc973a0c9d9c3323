"""The figures of a connection that do not depend on its transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.diagnosis import Diagnosis
from ..core.loop_lag import lag_of
from ..core.stats import ConnectionStats
from .events import transport_of

if TYPE_CHECKING:
    from .media import Media
    from .session import Session

__all__ = ["common_stats", "diagnose_socket"]


def common_stats(session: Session, media: Media) -> ConnectionStats:
    """Return what every connection knows: its time, what was dropped, and the loop's lag."""
    dropped_in = dropped_out = 0
    if media.audio_in is not None:
        dropped_in += media.audio_in.overflow.dropped
    if media.video_in is not None:
        dropped_in += media.video_in.dropped
    if media.video_out is not None:
        dropped_out += media.video_out.dropped
    return ConnectionStats(
        session.id,
        transport_of(session.user_context),
        session.connected_s,
        round_trip_s=media.playback.measured_round_trip_s,
        frames_dropped_in=dropped_in,
        frames_dropped_out=dropped_out,
        loop_lag_s=lag_of(session.loop),
    )


def diagnose_socket(session: Session, *, telephone: bool) -> Diagnosis:
    """Return the state of a connection over a socket, which has no candidates."""
    reason = session.reason
    return Diagnosis(
        session.id,
        "telephone" if telephone else "websocket",
        "connected" if reason is None else "ended",
        reason="" if reason is None else reason.text,
    )
