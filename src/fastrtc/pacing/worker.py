"""``player_worker_decode``: FastRTC's loop for programs with tracks of their own."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from av import AudioFrame

from ..audio.converter import AudioConverter
from ..audio.fifo import SampleFifo
from ..core.errors import WebRTCError
from ..core.log_throttle import LogThrottle
from ..core.messages import DataChannel, create_message
from ..core.outputs import AdditionalOutputs, CloseStream, split_output
from ..core.transcript import Transcript
from .audio_output import check_output
from .emit import INTERVAL_S

__all__ = ["player_worker_decode"]

logger = logging.getLogger(__name__)


async def player_worker_decode(
    next_frame: Callable[[], Any],
    queue: asyncio.Queue[Any],
    thread_quit: asyncio.Event,
    channel: Callable[[], DataChannel | None] | None,
    set_additional_outputs: Callable[[AdditionalOutputs], Any] | None,
    quit_on_none: bool = False,
    sample_rate: int = 48000,
    frame_size: int = 960,
) -> None:
    """Call a function repeatedly, and queue its audio as stereo frames of one size.

    For tracks of a program's own; the connections of a stream do not use it.

    Args:
        next_frame: Called for the next output, as ``emit`` returns it; sync or async.
        queue: Receives ``av.AudioFrame`` objects: ``s16``, stereo, with timestamps. A
            ``CloseStream`` follows its audio; with ``quit_on_none`` the last item is None.
        thread_quit: Set it to end the loop.
        channel: Returns the data channel, which is notified of additional outputs; or None.
        set_additional_outputs: Called with each ``AdditionalOutputs``; or None.
        quit_on_none: Whether an output without audio ends the loop.
        sample_rate: Sample rate of the frames in Hz.
        frame_size: Samples per frame. An incomplete last frame is dropped.

    Raises:
        WebRTCError: If ``next_frame`` raises it. Other exceptions are logged, and the loop
            continues.
    """
    converter, waiting = AudioConverter(sample_rate, 2), SampleFifo(2)
    failures, pts = LogThrottle(), 0
    while not thread_quit.is_set():
        try:
            output = next_frame()
            if inspect.isawaitable(output):
                output = await output
            media, other = split_output(output)
            if isinstance(other, AdditionalOutputs):
                _deliver(other, channel, set_additional_outputs)
            elif isinstance(other, Transcript):
                _send(other.message(), channel)
            if media is not None:
                rate, samples = check_output(media)
                waiting.push(converter.convert(rate, samples))
        except WebRTCError:
            raise
        except Exception:
            failures.log(logger.exception, "The next audio could not be had")
            await asyncio.sleep(INTERVAL_S)
            continue
        while len(waiting) >= frame_size:
            await queue.put(_frame(waiting.pop(frame_size), sample_rate, pts))
            pts += frame_size
        if isinstance(other, CloseStream):
            await queue.put(other)
        if media is None:
            if quit_on_none:
                await queue.put(None)
                return
            await asyncio.sleep(INTERVAL_S)
        else:
            await asyncio.sleep(0)  # let other tasks run if there is always output


def _deliver(
    outputs: AdditionalOutputs,
    channel: Callable[[], DataChannel | None] | None,
    set_additional_outputs: Callable[[AdditionalOutputs], Any] | None,
) -> None:
    if set_additional_outputs is not None:
        set_additional_outputs(outputs)
    _send(create_message("fetch_output", []), channel)


def _send(message: str, channel: Callable[[], DataChannel | None] | None) -> None:
    told = channel() if channel is not None else None
    if told is not None:
        told.send(message)


def _frame(samples: np.ndarray[Any, np.dtype[np.int16]], rate: int, pts: int) -> AudioFrame:
    packed = np.ascontiguousarray(samples.T).reshape(1, -1)
    frame = AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
    frame.sample_rate = rate
    frame.pts = pts
    frame.time_base = Fraction(1, rate)
    return frame
