"""Recordings of sessions whose event loop stalls, in virtual time: what the caller said and heard.

Each sample of the audio says where it is from: a ramp, whose values the file has unchanged.
"""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastrtc import Recorder
from fastrtc.pacing.playout import Playout, PlayoutFrame, PlayoutOptions
from fastrtc.recording.played import CLIENT_BUFFER_S
from fastrtc.recording.sink import BATCH_S
from fastrtc.recording.track import HELD_BACK_S
from fastrtc.recording.writer import Writer
from fastrtc.session.hooks import Hooks
from fastrtc.session.media import Media
from fastrtc.session.recording import AFTER_STALL_S
from fastrtc.session.session import Session
from fastrtc.transport.socket.options import SOCKET_PLAYOUT
from tests.recording.sound import RATE, read
from tests.session.rig import Handler
from tests.support.virtual_time import virtual_time

PACKET = RATE // 10
STEP = 8
"""Samples with the same value."""

LOWEST = 1000
"""The value of the first ones: less is quiet."""

PLAYOUTS = {"webrtc": PlayoutOptions(), "websocket": SOCKET_PLAYOUT}


def ramp(seconds: float, since_s: float = 0.0) -> np.ndarray:
    """Samples whose values are their positions, up to 5 s."""
    at = np.arange(round(since_s * RATE), round((since_s + seconds) * RATE))
    return (LOWEST + at // STEP).astype(np.int16)


def said_at(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where there is sound, in seconds, and from where in the ramp it is."""
    sound = np.flatnonzero(samples)
    return sound / RATE, (samples[sound].astype(int) - LOWEST) * STEP / RATE


class Call:
    """A recorded session, and a client that plays one frame after the other.

    That of WebRTC fills a jitter buffer before it plays; that of a WebSocket is sent so much at
    once that it need not, and drops what it has not played when the server says so.
    """

    def __init__(self, path: Path, over: str) -> None:
        hooks = Hooks(record=Recorder(path))
        self.session = Session("me", Handler(), deliver=print, release=print, hooks=hooks)
        self.media = Media(
            self.session,
            "audio",
            "send-receive",
            playout=Playout(RATE, most_channels=1, options=PLAYOUTS[over]),
        )
        self.drops = over == "websocket"
        self.delay_s = 0.0 if self.drops else CLIENT_BUFFER_S
        self.loop: Any = asyncio.get_running_loop()
        self.played = np.zeros(12 * RATE, np.int16)
        self.sent_at = np.full(12 * RATE, np.inf)  # of each value
        self.until = 0  # samples
        self.said_s = 0.0

    @property
    def now(self) -> float:
        """Seconds since the recording began."""
        return float(self.loop.time() - self.began)

    async def __aenter__(self) -> "Call":
        self.session.start()
        self.began = self.loop.time()
        self.tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._speak())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.session.close("enough")
        recording: Any = self.session.recording
        while not recording._written.done():  # noqa: ASYNC110, the thread takes real time, not ours
            await asyncio.sleep(0)
        await self.session.closed.wait()

    async def wait_until(self, at_s: float) -> None:
        await asyncio.sleep(at_s - self.now)

    def stall(self, seconds: float) -> None:
        """Block the event loop, as a program that computes on it, or a machine that is busy."""
        self.loop._virtual.now += seconds

    def reply(self, samples: np.ndarray) -> None:
        assert self.media.audio_out is not None
        self.media.audio_out.push(RATE, samples[np.newaxis])

    def interrupt(self) -> None:
        """Drop what was not sent, and what the client has not played if it can."""
        assert self.media.audio_out is not None
        self.media.audio_out.clear()
        if self.drops:
            assert self.media.audio_out.tap is not None
            self.media.audio_out.tap.cut(0.0)
            now = round(self.now * RATE)
            self.played[now:] = 0
            self.until = min(self.until, now)

    async def _hear(self) -> None:
        assert self.media.audio_out is not None
        while True:
            self._play(await self.media.audio_out.frame())

    def _play(self, frame: PlayoutFrame) -> None:
        samples = frame.samples[0]
        now = round(self.now * RATE)
        if self.until < now:
            self.until = now + round(self.delay_s * RATE)
        self.played[self.until : self.until + len(samples)] = samples
        self.until += len(samples)
        values = samples[samples > 0].astype(int) - LOWEST
        self.sent_at[values] = np.minimum(self.sent_at[values], self.now)

    async def _speak(self) -> None:
        """Send what the caller says; what arrives during a stall is processed after it."""
        assert self.media.audio_in is not None
        samples = ramp(5)
        for n in range(len(samples) // PACKET):
            await self.wait_until((n + 1) * 0.1)
            if self.media.audio_in.tap is not None and not self.drops:
                self.media.audio_in.tap.at(77 + n * 0.1)
            self.media.audio_in.push(RATE, samples[np.newaxis, n * PACKET : (n + 1) * PACKET])
            self.said_s = (n + 1) * 0.1


async def talk(path: Path, over: str, stall_s: float) -> tuple[Call, np.ndarray, np.ndarray]:
    """A reply, a stall 0.7 s later, after which it is interrupted, and another reply at 3.5 s."""
    async with Call(path, over) as call:
        await call.wait_until(0.2)
        call.reply(ramp(5))
        await call.wait_until(0.9)
        call.stall(stall_s)
        await asyncio.sleep(0.02)
        call.interrupt()
        await call.wait_until(3.5)
        call.reply(ramp(0.4, 4.5))
        await call.wait_until(4.2)
    left, right = read(path)
    return call, left, right


@pytest.mark.parametrize(
    ("over", "stall_s"),
    [("webrtc", 0.05), ("webrtc", 0.9), ("webrtc", 2.0), ("websocket", 0.3), ("websocket", 0.9)],
)
@virtual_time
async def test_after_a_stall_both_sides_are_what_the_caller_said_and_heard(
    tmp_path: Path, over: str, stall_s: float
) -> None:
    call, left, right = await talk(tmp_path / "x.wav", over, stall_s)
    said_s = call.said_s
    at, position = said_at(left)
    assert len(at) == round(said_s * RATE), "nothing is lost"
    assert at == pytest.approx(position, abs=0.001), "nothing has moved"

    at, position = said_at(right[: 3 * RATE])
    heard_at, heard = said_at(call.played[: 3 * RATE])
    assert position[-1] == pytest.approx(heard[-1], abs=0.003), "it ends where the caller heard it"
    catching_up_s = 0.005 * stall_s  # in one second
    assert at[-1] == pytest.approx(heard_at[-1] - call.delay_s, abs=0.003 + catching_up_s)
    steps = np.diff(position)
    assert steps.max() < 0.002, "nothing is missing"
    assert steps.min() >= 0, "nothing is there twice"
    values = (position * RATE / STEP).round().astype(int)
    assert (at > call.sent_at[values] - CLIENT_BUFFER_S - 0.001).all(), "none before it was sent"

    at, position = said_at(right[3 * RATE :])
    assert at + 3 - 3.5 == pytest.approx(position - 4.5, abs=0.001), "the next reply is in step"
    assert len(at) == round(0.4 * RATE)


class Batches:
    """Notes when a batch is written, and until when it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        put, loop = Writer.put, asyncio.get_running_loop()
        self.all: list[tuple[float, float]] = []

        def noted(writer: Writer, at_s: float, events: Any) -> None:
            self.all.append((loop.time(), at_s))
            put(writer, at_s, events)

        monkeypatch.setattr(Writer, "put", noted)


@pytest.mark.parametrize("stall_s", [0.0, 0.05, 0.11, 0.2, 0.3, 0.39, 0.45, 2.0])
@virtual_time
async def test_after_a_stall_the_next_batch_comes_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stall_s: float
) -> None:
    """A stall of up to 0.3 s leaves the file readable up to a second before."""
    batches = Batches(monkeypatch)
    async with Call(tmp_path / "x.wav", "websocket") as call:
        await asyncio.sleep((call.loop.time() // BATCH_S + 4) * BATCH_S - 1e-4 - call.loop.time())
        call.stall(stall_s)
        await asyncio.sleep(2.5)
    at, until = np.array(batches.all).T
    assert (np.diff(at) > BATCH_S / 4).all()
    in_time = at[1:] - until[1:] < BATCH_S / 4
    assert (np.diff(at)[in_time] < BATCH_S * 1.25 + 0.001).all()
    lost_s = (at[1:] - until[:-1])[in_time] + HELD_BACK_S  # if it were killed right before
    assert lost_s.max() < max(0.9, stall_s + HELD_BACK_S + AFTER_STALL_S) + 0.001
    off_grid = np.abs(until / BATCH_S - (until / BATCH_S).round()) > 1e-6
    assert off_grid.sum() <= 1, "all recordings are written at the same moments"


@virtual_time
async def test_an_event_loop_that_calls_early_writes_each_batch_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, loop = Batches(monkeypatch), asyncio.get_running_loop()
    call_at = loop.call_at
    monkeypatch.setattr(loop, "call_at", lambda at, *call, **to: call_at(at - 0.01, *call, **to))
    async with Call(tmp_path / "x.wav", "websocket"):
        await asyncio.sleep(3)
    assert np.diff([until for _, until in batches.all]) == pytest.approx(BATCH_S)
    assert len(batches.all) >= 6
