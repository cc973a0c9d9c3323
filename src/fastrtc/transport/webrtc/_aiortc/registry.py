"""All patches of aiortc and aioice, checked once before the first is needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from ....core.errors import SessionRefused
from . import (
    address,
    audio_packets,
    audio_sender,
    capture_times,
    ciphers,
    clock,
    closing,
    codecs,
    consent,
    decoder_queue,
    decoder_threads,
    direct_packets,
    dtls_alerts,
    empty_datagrams,
    fingerprints,
    gathering,
    ice,
    ice_state,
    messages,
    picture_size,
    receiver_reports,
    rtp_receiver,
    rtp_sender,
    rtp_streams,
    sctp_messages,
    sctp_work,
    sender_reports,
    turn,
    video_sender,
)
from .patch import Patch
from .samples import Samples

__all__ = ["REGISTRY", "Registry", "describe", "versions"]

logger = logging.getLogger(__name__)

_PATCHES: tuple[Patch, ...] = (
    ice.PATCH,
    rtp_streams.PATCH,
    rtp_receiver.PATCH,
    rtp_sender.PATCH,
    sctp_work.PATCH,
    sctp_messages.PATCH,
    picture_size.PATCH,
    decoder_queue.PATCH,
    decoder_threads.PATCH,
    audio_packets.PATCH,
    audio_sender.PATCH,
    codecs.NEGOTIATED,
    codecs.COMMON,
    receiver_reports.PATCH,
    sender_reports.PATCH,
    capture_times.PATCH,
    video_sender.PATCH,
    clock.PATCH,
    ciphers.PATCH,
    dtls_alerts.PATCH,
    fingerprints.PATCH,
    empty_datagrams.PATCH,
    gathering.PATCH,
    ice_state.PATCH,
    consent.PATCH,
    address.PATCH,
    direct_packets.PATCH,
    turn.ATTEMPTS,
    turn.RELEASE,
    messages.PATCH,
    closing.CONNECTING,
    closing.OWN_CLOSE,
    closing.SOCKETS,
    closing.CHECKS,
)
"""All patches; bounds first."""


class Registry:
    """Check patches once, and log those that do not fit once.

    Args:
        patches: The patches.
    """

    def __init__(self, patches: Sequence[Patch]) -> None:
        self.patches = patches
        self._lock = threading.Lock()
        self._checked = False
        self._logged = False

    def misfits(self) -> list[Patch]:
        """Check all patches, if not done yet, and return those that do not fit.

        To be called on an event loop.
        """
        with self._lock:
            if not self._checked:
                samples = Samples()
                for patch in self.patches:
                    patch.check(samples)
                self._checked = True
        return [patch for patch in self.patches if not patch.fits]

    def check(self) -> list[Patch]:
        """Return the patches that do not fit; log them as warnings the first time.

        To be called on an event loop.
        """
        misfits = self.misfits()
        with self._lock:
            logged, self._logged = self._logged, True
        for patch in [] if logged else misfits:
            logger.warning("%s", describe(patch))
        return misfits

    def require_bounds(self) -> None:
        """Check all patches, if not done yet; refuse the connection if a bound is missing.

        Raises:
            SessionRefused: If a patch that bounds what a client can cost does not fit.
        """
        lost = [patch.name for patch in self.check() if patch.is_bound]
        if lost:
            raise SessionRefused(
                "unsupported_aiortc",
                reason=f"The server cannot bound what clients cost ({', '.join(lost)}) with the "
                "installed aiortc. See its log, or run fastrtc doctor",
            )


REGISTRY = Registry(_PATCHES)
"""The registry of this process."""


def describe(patch: Patch) -> str:
    """Return a line about a patch that does not fit: what is missing, and the consequence."""
    consequence = "WebRTC connections are refused, as" if patch.is_bound else "Without it,"
    return (
        f"{versions()} do not fit the patch for {patch.name!r} ({patch.target}, seen in "
        f"{patch.seen}): {', '.join(patch.missing)} is missing. {consequence} {patch.lost}"
    )


def versions() -> str:
    """Return the installed versions, such as ``"aiortc 1.16.0 and aioice 0.13.0"``."""
    return " and ".join(f"{name} {_version(name)}" for name in ("aiortc", "aioice"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of an unknown version"
