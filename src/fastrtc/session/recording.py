"""The recording of a session: taps, the thread that writes, and what the program is told."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from ..core.close_reason import CloseReason
from ..core.messages import create_message
from ..core.tasks import run_in_thread, runs_on
from ..core.types import Modality, Mode
from ..handlers.base import StreamHandlerBase
from ..handlers.invoke import call_function
from ..recording.baseline import DelayBaseline
from ..recording.errors import LimitReached, RecordingRemoved
from ..recording.events import Side
from ..recording.received import HOLD_S
from ..recording.recorder import Recorder, RecordingEnd, sides_of
from ..recording.report import Report, write_report
from ..recording.taps import DelayTap, PictureTaps, Taps
from ..recording.track import RATE
from ..recording.writer import Target, Writer, Written
from .events import transport_of
from .recorded_turns import RecordedTurns

if TYPE_CHECKING:
    from .media import Media
    from .session import Session

__all__ = ["SessionRecording"]

logger = logging.getLogger(__name__)

FINISH_TIMEOUT_S = 10.0
"""How long the end of a connection waits until its recording is complete, in seconds."""

AFTER_STALL_S = HOLD_S + 0.05
"""How long after a stall of the event loop what has arrived in it is written, in seconds: the place
of a burst must be known."""


class SessionRecording:
    """Record one session; the ``RecordingControl`` of its context.

    Args:
        session: The session.
        recorder: The options.
    """

    def __init__(self, session: Session, recorder: Recorder) -> None:
        self._session = session
        self._recorder = recorder
        self._loop = session.loop
        self._media: Media | None = None
        self._modality: Modality = "audio"
        self._mode: Mode = "send-receive"
        self._wanted = recorder.start == "connected"
        self._live = self._over = False
        self._taps: Taps | None = None
        self._delays = DelayBaseline()
        self._delay_tap = DelayTap(self._loop.time, self._delays)
        self._writer: Writer | None = None
        self._opened = self._late = False
        self._pictured: tuple[Side, ...] = ()  # in the file, whatever transport resumes the session
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0  # of it
        self._written: asyncio.Future[Written] = self._loop.create_future()
        self._reporting: asyncio.Task[None] | None = None
        self._started_at = datetime.now().astimezone()
        self._turns: RecordedTurns | None = None
        self._connected_s = 0.0
        session.on_start(self._connected)
        session.on_close(self._finish)

    # For the program, from any thread

    @property
    def active(self) -> bool:
        """Whether the connection is being recorded."""
        return self._wanted and not self._over

    def start(self) -> None:
        """Start, or continue after ``stop``."""
        if not self._over:
            self._wanted = True
            self._on_loop()

    def stop(self) -> None:
        """Stop until ``start``."""
        self._wanted = False
        self._on_loop()

    def _on_loop(self) -> None:
        if runs_on(self._loop):
            self._update()
        else:
            self._session.invoker.post(self._update)

    # On the event loop

    def attach(self, media: Media, modality: Modality, mode: Mode) -> None:
        """Record media; they replace those before them."""
        self._set_taps(None)
        self._delays.reset()
        if self._taps is not None:
            self._taps.forget_delay()
        self._media, self._modality, self._mode = media, modality, mode
        self._set_taps(self._taps, self._delay_tap)

    def _connected(self) -> None:
        if not self._live:
            self._live, self._connected_s = True, time.monotonic()
            self._update()

    def _update(self) -> None:
        """Start or stop, as the program wants it."""
        if self._over and not self._wanted and self._turns is not None:
            self._turns.end_wait(consent=False)
        if not self._live or self._over or self._wanted == (self._taps is not None):
            return
        if self._wanted:
            self._begin()
        else:
            self._pause()

    def _begin(self) -> None:
        now = self._loop.time()
        if self._writer is None:
            self._started_at = datetime.now().astimezone()
            try:
                target = self._target()
                self._pictured = target.sides
                self._writer = Writer(target, self._started_at, _Observer(self))
            except RuntimeError as error:  # no thread can be started
                self.on_ended(Written(error=error))
                return
        elif self._opened:
            self._tell(active=True)
        self._writer.start(now, self._delays.recent(now))
        if self._turns is None:
            self._turns = RecordedTurns(self._connected_s)
            self._session.turns.listen(self._turns)
        self._turns.start()
        self._taps = Taps(self._loop.time, self._delays)
        self._set_taps(self._taps)
        self._due_s = now
        self._wait(self._writer.batch_s)

    def _target(self) -> Target:
        return Target(
            self._recorder,
            self._session.id,
            transport_of(self._session.user_context),
            audio="audio" in self._modality,
            sides=sides_of(self._mode) if self.has_video else (),
            rates=self._rates,
        )

    @property
    def _rates(self) -> tuple[int, int]:
        """The sample rates of the handler, in Hz."""
        handler = self._session.handler
        if not isinstance(handler, StreamHandlerBase):
            return RATE, RATE
        return handler.input_sample_rate, handler.output_sample_rate

    @property
    def has_video(self) -> bool:
        """Whether pictures are recorded."""
        return self._recorder.has_video and "video" in self._modality

    def _tick(self) -> None:
        """Write what has happened.

        After a stall of the event loop, that is until the time at which this was to be called: what
        has arrived since then, and what is due, still waits to be processed.
        """
        if self._writer is not None and self._taps is not None:
            self._writer.put(self._due_s, self._taps.take())
            self._wait(self._writer.batch_s)

    def _wait(self, batch_s: float) -> None:
        """Call ``_tick`` at the next multiple of a time, when all recordings are written.

        What has arrived in a stall of the event loop is written soon after it.
        """
        now = max(self._loop.time(), self._due_s)  # a loop may call a little early
        if now - self._due_s > batch_s / 4:
            self._due_s = now + AFTER_STALL_S
        else:
            self._due_s = ((now + batch_s / 4) // batch_s + 1) * batch_s
        self._timer = self._loop.call_at(self._due_s, self._tick)

    def _pause(self) -> None:
        """End the stretch."""
        taps, self._taps = self._taps, None
        if self._timer is not None:
            self._timer.cancel()
        self._set_taps(None, None if self._over else self._delay_tap)
        if self._writer is not None and taps is not None:
            self._writer.stop(self._loop.time(), taps.take())
            if self._turns is not None and not self._session.ended:  # the last turn is to come
                self._turns.stop()
            if self._opened and not self._session.ended:
                self._tell(active=False)

    def _set_taps(self, taps: Taps | None, delays: DelayTap | None = None) -> None:
        media = self._media
        if media is None:
            return
        if media.audio_in is not None:
            media.audio_in.tap = taps or delays
        if media.audio_out is not None:
            media.audio_out.tap = taps
            media.audio_out.on_rewound = None if taps is None else taps.taken_back
        has_video = taps is not None and self._recorder.has_video
        if media.video_in is not None:
            media.video_in.tap = self._picture_taps(taps, "received") if has_video else None
        if media.video_out is not None:
            media.video_out.tap = self._picture_taps(taps, "played") if has_video else None

    def _picture_taps(
        self, taps: Taps | None, side: Literal["received", "played"]
    ) -> PictureTaps | None:
        return None if taps is None else PictureTaps(taps, side, self._loop.time)

    def _tell(self, *, active: bool) -> None:
        self._session.outbox.post(create_message("recording", {"active": active}))

    def on_opened(self) -> None:
        """Notify the client that it is recorded."""
        self._opened = True
        if self._taps is not None:
            self._tell(active=True)

    def on_ended(self, written: Written) -> None:
        """Process the end of the thread."""
        if self._written.done():
            return
        self._written.set_result(written)
        self._over = True
        if self._taps is not None:  # it has ended by itself
            self._pause()
            if self._turns is not None:
                self._turns.limit(written.duration_s, self._session.turns.open_turns)
        self._log(written)
        if self._late or not self._session.ended:
            context = self._session.context.copy()
            name = f"fastrtc-{self._session.id}:recording"
            self._reporting = context.run(self._loop.create_task, self._report(written), name=name)

    def _log(self, written: Written) -> None:
        id, error = self._session.id, written.error
        if isinstance(error, LimitReached):
            logger.warning("Session %s: the recording has ended: %s", id, error)
        elif error is not None:
            path = written.path or self._recorder.template
            logger.error(
                "Session %s: the recording %s has failed; the connection continues: %s",
                id,
                path,
                error,
            )

    async def _report(self, written: Written) -> None:
        """Write the file of turns, and call the program."""
        error, path = written.error, written.path
        turns_path = None
        if path is not None and self._turns is not None:
            await self._turns.wait()
        if path is not None:
            report = Report(
                self._session.id,
                transport_of(self._session.user_context),
                path.name,
                self._started_at,
                written.duration_s,
                self._pictured or ("received", "played"),
                bool(self._pictured),
                written.stretches,
                written.lost_s,
                None if error is None else str(error),
                [] if self._turns is None else self._turns.positions(),
            )
            try:
                turns_path = await run_in_thread(partial(write_report, path, report))
            except RecordingRemoved as removed:
                logger.error("Session %s: %s", self._session.id, removed)
                path, error = None, error or removed
            except Exception as failed:
                if error is None:
                    logger.error(
                        "Session %s: the turns of the recording %s cannot be written: %s",
                        self._session.id,
                        path,
                        failed,
                    )
                error = error or failed
        function = self._recorder.on_end
        if function is None:
            return
        reason: Literal["ended", "limit", "error"] = "ended"
        if error is not None:
            reason = "limit" if isinstance(error, LimitReached) else "error"
        end = RecordingEnd(
            self._session.id,
            path,
            turns_path,
            written.duration_s,
            written.size,
            reason,
            None if error is None else str(error),
            written.lost_s,
        )
        if self._late:  # the threads of the connection have ended
            call = call_function(function, end)
        else:
            call = self._session.invoker.call("on_end", function, end)
        await self._session.call_last("on_end", call)

    async def _finish(self, reason: CloseReason) -> None:
        """Complete the recording: the session has ended."""
        self._pause()
        self._live = False
        if self._writer is None:
            return
        self._writer.finish()
        try:
            await asyncio.wait_for(asyncio.shield(self._written), FINISH_TIMEOUT_S)
        except asyncio.TimeoutError:
            logger.error(
                "Session %s: the recording %s is not complete after %.0f s",
                self._session.id,
                self._recorder.template,
                FINISH_TIMEOUT_S,
            )

    async def finish_report(self) -> None:
        """Write the file of turns, which are complete, and call the program.

        If the disk is so slow that the file is not complete, ``on_ended`` does it later.
        """
        if self._turns is not None:
            self._turns.end_wait()
        if self._reporting is not None:
            await self._reporting
        elif self._written.done():
            await self._report(self._written.result())
        else:
            self._late = True


class _Observer:
    """Passes what the thread reports to the event loop."""

    def __init__(self, recording: SessionRecording) -> None:
        self._recording = recording
        self._loop = asyncio.get_running_loop()

    def opened(self) -> None:
        self._post(self._recording.on_opened)

    def ended(self, written: Written) -> None:
        self._post(partial(self._recording.on_ended, written))

    def _post(self, function: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop is closed, and the process ends
            logger.debug("The event loop was closed before the recording was complete")
