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

FRAME = 960


@functools.cache
def _packets() -> list[bytes]:
    return encode_opus(tone(2))


class EncodedTone(MediaStreamTrack):
    """Sends encoded packets in real time while it is asked to talk."""

    kind = "audio"

    def __init__(self, talks: asyncio.Event) -> None:
        super().__init__()
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
        self._next = max(now, self._next) + FRAME / 48000
        number = next(self._count)
        packet = av.Packet(next(self._payloads))
        packet.pts, packet.time_base = number * FRAME, Fraction(1, 48000)
        return packet

    def _check_live(self) -> None:
        if self.readyState != "live":
            raise MediaStreamError
