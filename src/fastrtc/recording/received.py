"""The audio of the client, placed by its own clock. No I/O, no clock."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from .baseline import DelayBaseline
from .events import Received
from .joined import JoinedAudio
from .track import NOWHERE, SampleTrack

__all__ = ["ReceivedAudio"]

HOLD_S = 0.25
"""How much of a new stretch of audio is held before it is placed, in seconds: among so many packets
one comes without delay, and a burst after a stall of the network is complete."""

GAP_S = 0.3
"""After how long a delay audio without times, as over a WebSocket, begins a new stretch, in
seconds: the client sent none, or its network stalled and the rest comes in a burst."""

PAUSE_S = 5.0
"""After how long without audio a new stretch begins, in seconds: the clocks may have drifted."""

RESTART_S = 1.0
"""The same for audio with RTP times, whose pauses are known: the peer has started a new clock."""

BEFORE_S = 0.5
"""How much of the first audio may be from before the recording began, in seconds, and is left out:
it was on its way. More is of a client that sends ahead of real time, such as a file, unless the
recording began with the speaker's consent."""

CONTIGUOUS_S = 0.005
"""Up to this distance, in seconds, audio follows what came before without a gap."""

BLOCK_S = 0.02
"""How much is corrected at a time, in seconds."""

CORRECT_FROM_S, CORRECT_TO_S = 0.003, 0.0005
"""From which error on a position is corrected, and up to which, in seconds."""

MAX_STRETCH = 0.005
"""By how much audio that is not quiet is stretched or compressed to correct its position: not
audible, and 50 times as much as clocks differ."""

JUMP_S = 0.04
"""A larger error of audio that comes too early is corrected by silence, in seconds."""

KEPT_PAUSE_S = 0.2
"""How much of a pause is kept when a delay is made up in it, in seconds."""

QUIET = 100
"""Up to this level of ``int16`` audio may be dropped or silence inserted: -50 dB of full scale."""


class _Held(NamedTuple):
    media_s: float
    rate: int
    samples: NDArray[np.int16]


class ReceivedAudio:
    """Place the client's audio by its media time, and never by when each packet arrived.

    The media time is that of RTP, or the number of samples since the beginning. Its offset to our
    clock is the smallest delay of the latest packets, which follows the client's clock: the small
    correction is spread over pauses, or stretches the audio by up to 0.5%. Audio that arrives after
    a stall of the network is placed as early as possible, and nothing of it is lost.

    Args:
        track: The track to place it on.
        began_s: When the recording began.
        consent_s: When the speaker consented; what was said before is left out, however late it
            arrives. None if there is no such time.
    """

    def __init__(self, track: SampleTrack, began_s: float, consent_s: float | None = None) -> None:
        self._track = track
        self._rate = track.rate
        self._block = round(BLOCK_S * track.rate)
        self._began_s = began_s
        self._consent_s = consent_s
        self._baseline = DelayBaseline()
        self._anchor_s = 0.0  # what to add to media time
        self._held: list[_Held] | None = None
        self._held_since = -inf
        self._arrival_s = inf  # of what came last
        self._started = False
        self._converter = AudioConverter(track.rate, 1)
        self._next = NOWHERE  # the position after what was placed last
        self._correcting = False
        self._quiet = 0  # samples
        self._joined = JoinedAudio()

    def add(self, event: Received) -> None:
        """Place audio by the next ``settle``, or hold it if it begins a new stretch."""
        media_s, timed, arrival_s, rate, samples = event  # as 50 times a second
        if self._held is not None:
            self.advance(arrival_s)
        end_s = media_s + samples.shape[1] / rate  # it is sent at its end
        if self._held is None and self._is_restart(timed, arrival_s, arrival_s - end_s):
            self.settle()
            self._flush()
            self._baseline = DelayBaseline()
            self._held, self._held_since = [], arrival_s
        self._baseline.add(end_s, arrival_s)
        self._arrival_s = arrival_s
        if self._held is not None:
            self._held.append(_Held(media_s, rate, samples))
        elif not self._joined.add(media_s, rate, samples):
            self.settle()
            self._joined.add(media_s, rate, samples)

    def settle(self) -> None:
        """Place all audio that was added and is not held."""
        samples = self._joined.take()
        if samples is not None:
            self._place(self._joined.start_s, self._joined.rate, samples)

    def _consented(self, held: list[_Held]) -> list[_Held]:
        """Return what was said after the consent, by the smallest delay among the first audio."""
        if self._consent_s is None or self._started:
            return held
        began_s, kept = self._consent_s - self._baseline.offset, []  # in media time
        for media_s, rate, samples in held:
            before = max(0, round((began_s - media_s) * rate))
            if before < samples.shape[1]:
                kept.append(_Held(media_s + before / rate, rate, samples[:, before:]))
        return kept

    def _is_restart(self, timed: bool, arrival_s: float, offset_s: float) -> bool:
        if not self._started or arrival_s - self._arrival_s > PAUSE_S:
            return True
        late_s = offset_s - self._anchor_s
        return late_s > (RESTART_S if timed else GAP_S) or late_s < -RESTART_S

    def advance(self, now_s: float) -> None:
        """Place what was held for long enough."""
        if self._held is not None and now_s >= self._held_since + HOLD_S:
            self._release()

    def finish(self) -> None:
        """Place all that is left."""
        self.settle()
        if self._held is not None:
            self._release()
        self._flush()

    def _release(self) -> None:
        held, self._held = self._consented(self._held or []), None
        if not held:
            return
        self._anchor_s = self._baseline.offset
        earliest_s = self._began_s + max(self._track.read_to, self._next) / self._rate
        early_s = earliest_s - (held[0].media_s + self._anchor_s)
        exact = self._started or self._consent_s is not None
        if early_s > (0.0 if exact else BEFORE_S):
            self._anchor_s += early_s  # nothing that was placed is overwritten, nothing is lost
        self._started, self._correcting = True, False
        for media_s, rate, samples in held:
            self._place(media_s, rate, samples)

    def _place(self, media_s: float, rate: int, samples: NDArray[np.int16]) -> None:
        position = round((media_s + self._anchor_s - self._began_s) * self._rate)
        if abs(position - self._next) > CONTIGUOUS_S * self._rate:
            self._flush()
            if self._next != NOWHERE and position < self._track.read_to:  # late: nothing is lost
                self._anchor_s += (self._track.read_to - position) / self._rate
                position = self._track.read_to
            self._next = position
        converted = self._converter.convert(rate, samples)[0]
        error_s = self._baseline.offset - self._anchor_s  # of the position: negative if too late
        self._correcting = abs(error_s) > (CORRECT_TO_S if self._correcting else CORRECT_FROM_S)
        if not self._correcting:
            self._quiet = 0
            self._put(converted)
            return
        for start in range(0, len(converted), self._block):
            self._put(self._corrected(converted[start : start + self._block]))

    def _put(self, samples: NDArray[np.int16]) -> None:
        self._track.place(self._next, samples)
        self._next += len(samples)

    def _flush(self) -> None:
        """Place what is left in the resampler; what follows is another stretch."""
        rest = self._converter.flush()[0]
        if self._next != NOWHERE and len(rest):
            self._put(rest)

    def _corrected(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return audio shorter or longer, so that its position approaches the right one."""
        n = len(samples)
        quiet = bool(np.abs(samples[::4]).max(initial=0) <= QUIET)
        self._quiet = self._quiet + n if quiet else 0
        error_s = self._baseline.offset - self._anchor_s
        due = round(error_s * self._rate)
        if not due or n < 2:
            return samples
        if quiet and (due > 0 or self._quiet > KEPT_PAUSE_S * self._rate):
            change = max(due, -n)
            changed = samples[: n + change] if change < 0 else np.pad(samples, (change, 0))
        elif error_s > JUMP_S:
            change = due
            changed = np.pad(samples, (change, 0))
        else:
            most = max(1, int(n * MAX_STRETCH))
            change = max(-most, min(due, most))
            at = np.linspace(0, n - 1, n + change)
            changed = np.interp(at, np.arange(n), samples).astype(np.int16)
        self._anchor_s += change / self._rate
        return changed
