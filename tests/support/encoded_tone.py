"""A track of packets that are encoded beforehand, for programs that run dozens of clients."""

from __future__ import annotations

import asyncio
import functools
import itertools
from fractions import Fraction

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from benchmarks.client.media import encode_opus
from tests.support.peers import tone

__all__ = ["EncodedTone"]

RATE = 48000
FRAME = 960


@functools.cache
def _packets() -> list[bytes]:
    return encode_opus(tone(2))


class EncodedTone(MediaStreamTrack):
    """Sends encoded packets of 20 ms in real time while it is asked to talk.

    Args:
        talks: Set while it talks.
        every_s: Interval of the packets in seconds; more than 0.02 s is discontinuous transmission.
    """

    kind = "audio"

    def __init__(self, talks: asyncio.Event, every_s: float = FRAME / RATE) -> None:
        super().__init__()
        self._samples = round(every_s * RATE)
        self._talks = talks
        self._payloads = itertools.cycle(_packets())
        self._count = itertools.count()
        self._next = 0.0

    async def recv(self) -> av.Packet:
        self._check_live()
        await self._talks.wait()
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self._next - now)
        self._check_live()  # it may have been stopped meanwhile
        self._next = max(now, self._next) + self._samples / RATE
        number = next(self._count)
        packet = av.Packet(next(self._payloads))
        packet.pts, packet.time_base = number * self._samples, Fraction(1, RATE)
        return packet

    def _check_live(self) -> None:
        if self.readyState != "live":
            raise MediaStreamError
