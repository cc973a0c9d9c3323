"""Audio from before the speaker's consent, which is left out. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..audio.libopus import DELAY_S
from .packet_track import PACKET_S

__all__ = ["ENCODED_FIRST", "MARGIN_S", "HeldAudio", "consented_offset", "cut_before"]

MARGIN_S = DELAY_S + PACKET_S
"""How much is left out after the consent, too, in seconds. Decoded audio is late by the delay of
the codec. The least delay of the first packets may be greater than that of later ones, and a codec
spreads a sound over its packet."""

ENCODED_FIRST = 2
"""How many chunks are encoded after the consent, rather than written as they were sent: the packet
of the first one has what was left out of it, and the next one may have a copy of that (FEC)."""


BACKLOG_S = 20.0
"""How much later than audio before the consent the first audio after it may be, in seconds. If it
seems to be more, the client has started another clock."""


class HeldAudio(NamedTuple):
    """Audio whose place is not known yet.

    Attributes:
        media_s: Its time on the client's clock, in seconds.
        rate: Sample rate in Hz.
        samples: Shape ``(channels, n)``.
        packet: Its packet; empty if that is not to be written as it is.
    """

    media_s: float
    rate: int
    samples: NDArray[np.int16]
    packet: bytes


def consented_offset(first_s: float, known_s: float) -> float:
    """Return the offset from media time to ours that tells what was said after the consent.

    Args:
        first_s: That of the first audio after the consent. All of it may be late.
        known_s: That of audio before the consent; infinity if it is not known.
    """
    return known_s if 0 < first_s - known_s <= BACKLOG_S else first_s


def cut_before(held: Sequence[HeldAudio], media_s: float) -> list[HeldAudio]:
    """Return audio without what is before a time on the client's clock, in seconds."""
    kept = []
    for begin_s, rate, samples, packet in held:
        before = max(0, round((media_s - begin_s) * rate))
        if before < samples.shape[1]:
            kept.append(HeldAudio(begin_s + before / rate, rate, samples[:, before:], packet))
    return kept
