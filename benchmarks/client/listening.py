"""What a client hears: when its track returned sound that is no silence."""

from __future__ import annotations

import time

import numpy as np
from aiortc import MediaStreamTrack

from benchmarks.client.media import AUDIO_RATE

#: Root mean square of a frame that counts as sound; the replies are above 5,000.
AUDIBLE = 500
#: Silence that ends a sound, in seconds.
GAP = 0.1


class Ear:
    """Notes the moments of frames with sound in them, as the track returns them."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    async def listen(self, track: MediaStreamTrack) -> None:
        """Listen until the track ends."""
        while True:
            frame = await track.recv()
            sound = frame.to_ndarray()[0, ::2].astype(np.float64)
            if np.sqrt(np.mean(sound**2)) > AUDIBLE:
                self.moments.append(time.monotonic())

    def onsets(self) -> list[float]:
        """When sound began after a silence."""
        before = [float("-inf"), *self.moments]
        return [at for last, at in zip(before, self.moments, strict=False) if at - last > GAP]

    def silent_from(self, moment: float) -> float:
        """When the sound that goes on at a moment ends."""
        end = moment
        for at in self.moments:
            if at <= moment:
                continue
            if at - end > GAP:
                break
            end = at
        return end


def sent(times: list[float], sample: int) -> float:
    """When a sample left, given when the 20 ms packets did."""
    frame = AUDIO_RATE // 50
    return times[min(sample // frame, len(times) - 1)] + (sample % frame) / AUDIO_RATE
