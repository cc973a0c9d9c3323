"""The playout clock: which audio is sent when. No I/O, no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.rates import FRAME_S
from ..core.types import Layout
from .audio_output import check_audio
from .fader import Fader
from .playout_queue import PlayoutQueue

__all__ = ["Playout", "PlayoutFrame", "PlayoutOptions"]

LIVE_AHEAD_S = FRAME_S
"""How far ahead of its time a frame is sent, in seconds, if its audio comes just then, as that of a
live echo. The first audio may come late, and then all other frames would wait for their time."""


@dataclass(frozen=True)
class PlayoutOptions:
    """How audio is paced.

    Attributes:
        grace_s: How long to wait for a late producer before its reply counts as over, in seconds.
            More than the jitter of a live echo, less than an audible pause.
        tail_s: Silence sent after a reply, in seconds, so that audio in the receiver's jitter
            buffer is played (aiortc's holds 80 ms, NetEq's about 100 ms).
        stall_s: If ``poll`` is later than requested by this, in seconds, the process was stalled,
            not the producer.
        resync_s: If sending is later than this, in seconds, the schedule is shifted. Below it, a
            burst catches up, which the receiver's buffer plays slightly faster; otherwise each
            stall would add to the delay.
        limit_s: Capacity of the queue in seconds; the producer has to wait beyond it.
        lead_s: How far ahead of its time audio may be sent, in seconds. None for RTP, whose
            receivers expect an even flow, but see ``LIVE_AHEAD_S``; over a socket it hides the
            network's jitter.
        piece_s: How much queued audio is resampled at a time, in seconds: short enough not to block
            the event loop.
        whole_chunks: Whether each chunk is sent as one frame of its own length, in pieces of at
            most ``piece_s``, rather than in frames of 20 ms. No silence follows then.
    """

    grace_s: float = 0.06
    tail_s: float = 0.2
    stall_s: float = 0.04
    resync_s: float = 1.0
    limit_s: float = 60.0
    lead_s: float = 0.0
    piece_s: float = 0.1
    whole_chunks: bool = False


class PlayoutFrame(NamedTuple):
    """Audio to send now.

    Attributes:
        samples: ``int16``, shape ``(channels, rate / 50)``, or the length of a chunk.
        pts: Presentation time in samples of the playout's highest rate since the first frame;
            continues over pauses.
    """

    samples: NDArray[np.int16]
    pts: int


class Playout:
    """Decide which audio is sent when.

    Audio is pushed in chunks of any length and rate. ``poll`` returns a frame for every 20 ms of it
    (or for every chunk, see ``PlayoutOptions.whole_chunks``), then some silence, then nothing until
    more audio is pushed. Times are arguments, in seconds of any monotonic clock.

    While it is paused, no audio is returned, but the silence that plays out the receiver's jitter
    buffer; audio may still be pushed. It continues with the next sample, and RTP time moves on over
    the pause.

    Args:
        rate: Output sample rate in Hz; a multiple of 50.
        most_channels: 1 to mix everything down to mono, 2 to switch to stereo with the first stereo
            chunk.
        options: How audio is paced.
        lower_rates: Further output rates, ascending. The lowest that represents everything pushed
            so far is used, so the rate never decreases.

    Attributes:
        format: What distinguishes it from others: the arguments.
        waits_for_audio: Whether audio pushed now may be due earlier than the last ``poll`` said.
        next_frame_at: The earliest time of the next frame, as of the last ``poll``.
        held_s: Audio that the producer holds until there is room, in seconds; set by the producer.
        pushed_s: All audio that was ever queued, in seconds.
        frame_due: When the last frame is to be played.
    """

    def __init__(
        self,
        rate: int = 48000,
        most_channels: int = 2,
        options: PlayoutOptions | None = None,
        *,
        lower_rates: Sequence[int] = (),
    ) -> None:
        self._clock_rate = rate
        self.options = options or PlayoutOptions()
        self.format = rate, most_channels, self.options, tuple(lower_rates)
        self._whole = self.options.whole_chunks
        self._tail_frames = 0 if self._whole else round(self.options.tail_s / FRAME_S)
        self._queue = PlayoutQueue(
            (*lower_rates, rate), most_channels, self.options.piece_s, whole_chunks=self._whole
        )
        self._fader = Fader()
        self._ended = False  # the producer said that nothing follows
        self.waits_for_audio = True
        self.next_frame_at = -math.inf
        self.held_s = 0.0
        self.pushed_s = 0.0
        self.frame_due = -math.inf
        self._due: float | None = None  # when the next frame begins; None while nothing is sent
        self._silence_left = 0
        self._pts = 0
        self._live = False  # the queue was empty since the last frame
        self._stalled_from = math.inf  # a poll later than this was delayed
        self._patient_until = -math.inf  # the producer stood still as well: it gets its time
        self._cleared = False  # what was sent ahead does not count any more
        self._resume_at: float | None = None  # when the last frame sent will have been played
        self._paused_at: float | None = None
        self._held = False  # the client pauses, too

    @property
    def rate(self) -> int:
        """The current output rate in Hz."""
        return self._queue.rate

    @property
    def queued_s(self) -> float:
        """Duration of the queued audio, including what the producer holds, in seconds."""
        return self._queue.seconds + self.held_s

    @property
    def sent_s(self) -> float:
        """How much of ``pushed_s`` was sent; what was cleared counts as sent."""
        return self.pushed_s - self._queue.seconds

    @property
    def full(self) -> bool:
        """Whether the producer has to wait."""
        return self._queue.seconds > self.options.limit_s

    def ahead_s(self, now: float) -> float:
        """Return how much of the sent audio is ahead of its time, in seconds."""
        if self._due is None or self._cleared or not self.options.lead_s:
            return 0.0
        if self._held and self._paused_at is not None:
            now = self._paused_at
        return max(0.0, self._due - now)

    @property
    def playing(self) -> bool:
        """Whether audio, or the silence after it, is being sent."""
        return self._due is not None

    @property
    def has_audio(self) -> bool:
        """Whether audio waits to be sent."""
        return self._queue.has_audio

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self._paused_at is not None

    def push(self, rate: Any, samples: Any, layout: Layout | None = None) -> None:
        """Queue audio.

        Args:
            rate: Sample rate in Hz.
            samples: Mono or stereo samples of any real dtype; see ``check_audio``. They are copied,
                so the array may be reused.
            layout: How to interpret two channels.

        Raises:
            HandlerError: If the value is not audio.
        """
        self.push_checked(*check_audio(rate, samples, layout))

    def push_checked(self, rate: int, planar: NDArray[Any]) -> None:
        """Queue audio that ``check_audio`` has returned."""
        if planar.shape[1] == 0:
            return
        self._queue.push(rate, planar)
        self.pushed_s += planar.shape[1] / rate
        self._ended = False

    def end(self) -> None:
        """End the reply: send the rest without waiting for more."""
        self._ended = True

    def clear(self) -> None:
        """Drop all queued audio, and end a pause and a lower volume."""
        self._queue.clear()
        self._fader.reset()
        self._ended = True
        self._cleared = True
        self._paused_at = None

    def pause(self, now: float, *, held: bool = False) -> None:
        """Return no audio until ``resume`` or ``clear``; without effect while it is paused.

        Args:
            now: The time.
            held: Whether the client pauses as well, and keeps the audio that was sent ahead.
        """
        if self._paused_at is None:
            self._paused_at, self._held = now, held

    def put_back(self, samples: NDArray[np.int16], now: float) -> None:
        """Queue frames that were sent in front of all others; the client has dropped them.

        Args:
            samples: Shape ``(channels, n)``, in the current format.
            now: The time.
        """
        self._queue.put_back(samples)
        if self._due is not None:
            self._due = min(self._due, now)

    def rewind(self, chunks: Sequence[tuple[int, NDArray[np.int16]]]) -> None:
        """Queue audio that was sent in front of all other, by rate: it was not heard."""
        self._queue.rewind(chunks)

    def restart(self, now: float) -> None:
        """Let the next frame be due now, for another connection whose buffers are empty."""
        if self._due is not None:
            self._pts += round(max(0.0, now - self._due) * self._clock_rate)
            self._due = now
        if self._paused_at is not None:
            self._paused_at, self._held = now, False

    def move_to(self, other: Playout, now: float) -> None:
        """Move all audio, and a pause, to another playout, for another connection."""
        for rate, samples in self._queue.drain():
            other.push_checked(rate, samples)
        other.pushed_s, other._ended = self.pushed_s, self._ended
        if self._paused_at is not None:
            other.pause(now)

    def skip(self, samples: int) -> None:
        """Drop audio that was put back: the client had played it already.

        Args:
            samples: The number, in the current format.
        """
        self._queue.skip(samples)

    def resume(self, now: float) -> None:
        """End a pause: the next frame is due, after what the client has kept."""
        paused_at, self._paused_at = self._paused_at, None
        if paused_at is None or self._due is None:
            return
        late = now - paused_at if self._held else max(0.0, now - self._due)
        self._pts += round(late * self._clock_rate)
        self._due += late

    def duck(self, db: float | None) -> None:
        """Lower the volume of the audio from the next frame on, with a short ramp.

        Args:
            db: By how many decibels; None to return to full volume.
        """
        self._fader.lower_by(0.0 if db is None else db)

    def poll(self, now: float) -> PlayoutFrame | float | None:
        """Return what to do now.

        Returns:
            A frame to send now; or the time of the next call, unless audio is pushed earlier; or
            None to call again after the next push.
        """
        if self._paused_at is not None and (self.has_audio or self._held):
            return self._poll_paused(now)
        if now > self._stalled_from:
            self._patient_until = now + self.options.grace_s
        self.waits_for_audio, self.next_frame_at = True, -math.inf
        action = self._decide(now)
        self._stalled_from = math.inf
        if isinstance(action, float):
            # no poll at the time of the frame, where most of a stall would have shown
            skips = self._due is not None and now < self._due - self.options.lead_s < action
            self._stalled_from = action + self.options.stall_s / (4 if skips else 1)
        return action

    def _poll_paused(self, now: float) -> PlayoutFrame | float | None:
        self._stalled_from, self.next_frame_at = math.inf, -math.inf
        self.waits_for_audio = False
        if self._due is None or not self._silence_left:
            return None
        if now < self._due:
            return self._due
        return self._silence(now)

    def _decide(self, now: float) -> PlayoutFrame | float | None:
        if self._due is None:
            if not self.has_audio:
                return None
            self._begin(now)
            assert self._due is not None
        if self._cleared:
            self._cleared = False
            if self.options.lead_s and not self._whole:
                self._due = min(self._due, now)  # the client has dropped it if it can
        starved = self._starved
        if starved and not self.options.lead_s:
            self._live = True
        earliest = self._due - (LIVE_AHEAD_S if self._live else self.options.lead_s)
        self.next_frame_at = earliest
        if now < earliest:
            if starved:
                return self._late_at
            self.waits_for_audio = False  # nothing is sent before that
            return earliest
        queue = self._queue
        silent = queue.flushed and not queue.has_rest  # nothing, or silence, was sent until now
        ready = queue.fill()
        if silent and not (ready or queue.flushed or self._ended or self._whole):
            queue.fill_up()
            ready = True
        if ready:
            return self._frame(now)
        if not queue.flushed and not self._ended and now < (late_at := self._late_at):
            return late_at
        return self._finish(now)

    @property
    def _starved(self) -> bool:
        """Whether there is no audio for a frame, and more is expected."""
        return not self._ended and self._queue.starved

    @property
    def _late_at(self) -> float:
        """Return when audio counts as late."""
        assert self._due is not None
        return max(self._due + self.options.grace_s, self._patient_until)

    def _begin(self, now: float) -> None:
        if self._resume_at is not None:  # RTP time moves on over the pause (RFC 3550 section 5.1)
            self._pts += max(0, round((now - self._resume_at) * self._clock_rate))
        self._due = now
        self._silence_left = self._tail_frames

    def _finish(self, now: float) -> PlayoutFrame | float | None:
        """Send the resampler's remaining output, then silence, then nothing."""
        assert self._due is not None
        if not self._queue.flushed:
            self._queue.flush()
        late = now - self._due
        if late >= FRAME_S:  # nothing was sent meanwhile: the pause is a pause
            self._pts += round(late * self._clock_rate)
            self._due = now
        if self._queue.has_rest:
            return self._frame(now)
        if self._silence_left:
            return self._silence(now)
        if now < self._due:  # what was sent ahead is still to be played
            return self._due
        self._resume_at = self._due
        self._due = None
        self._queue.end_reply()
        return None

    def _frame(self, now: float) -> PlayoutFrame:
        self._silence_left = self._tail_frames
        samples = self._queue.pop()
        if not self._fader.idle:
            samples = self._fader.apply(samples, self.rate)
        return self._send(samples, now)

    def _silence(self, now: float) -> PlayoutFrame:
        self._silence_left -= 1
        return self._send(self._queue.silence(), now)

    def _send(self, samples: NDArray[np.int16], now: float) -> PlayoutFrame:
        assert self._due is not None
        late = now - self._due
        self._live = False
        if late > self.options.resync_s:
            self._pts += round(late * self._clock_rate)
            self._due = now
        frame = PlayoutFrame(samples, self._pts)
        self.frame_due = self._due
        self.waits_for_audio = False  # poll is called again in any case
        seconds = samples.shape[1] / self.rate if self._whole else FRAME_S
        self._pts += round(self._clock_rate * seconds)
        self._due += seconds
        return frame
