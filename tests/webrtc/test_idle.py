"""Idle costs nothing: nothing is asked for, encoded or sent while nobody speaks."""

import asyncio
import queue
import time
from typing import Any

import numpy as np
import pytest

from fastrtc import AsyncAudioVideoStreamHandler, AsyncStreamHandler, Stream, StreamHandler
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.stalls import Stalls
from tests.webrtc.handlers import RATE, AsyncAudioEcho, frequency

CALLS_PER_S = 50
IDLE_S = 1.5
WINDOW = 240  # samples of 5 ms, of which a frame has four


class Silent(StreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def copy(self) -> "Silent":
        return Silent()

    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> None:
        self.asked.append(time.monotonic())


class AsyncSilent(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def copy(self) -> "AsyncSilent":
        return AsyncSilent()

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> None:
        self.asked.append(time.monotonic())


class AsyncSilentAudioVideo(AsyncSilent, AsyncAudioVideoStreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.video_asked = 0

    def copy(self) -> "AsyncSilentAudioVideo":
        return AsyncSilentAudioVideo()

    async def video_receive(self, frame: Any) -> None:
        pass

    async def video_emit(self) -> None:
        self.video_asked += 1


class SilentArray(Silent):
    """Gives audio without samples, which is nothing as well."""

    def copy(self) -> "SilentArray":
        return SilentArray()

    def emit(self) -> Any:
        super().emit()
        return 24000, np.zeros((1, 0), np.int16)


@pytest.mark.parametrize("handler", [Silent, AsyncSilent, SilentArray])
async def test_emit_is_asked_50_times_a_second_at_most(handler: Any) -> None:
    stream = Stream(handler(), modality="audio", server_rtc_configuration=LOCAL)
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: mine.asked)
        await asyncio.sleep(IDLE_S)
        took = mine.asked[-1] - mine.asked[0]
        assert 5 <= len(mine.asked) <= 1.1 * CALLS_PER_S * took + 2
        assert not client.packets and not client.audio_frames


async def test_video_emit_is_asked_50_times_a_second_at_most() -> None:
    stream = Stream(AsyncSilentAudioVideo(), modality="audio-video", server_rtc_configuration=LOCAL)
    async with Client(stream, audio=AudioSource(), video="recvonly") as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: mine.asked and mine.video_asked)
        before, began = mine.video_asked, time.monotonic()
        await asyncio.sleep(IDLE_S)
        took = time.monotonic() - began
        assert 5 <= mine.video_asked - before <= 1.1 * CALLS_PER_S * took + 2
        assert not client.packets


class Replies(StreamHandler):
    """Says what it is told to, in pieces of 20 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.audio: queue.Queue = queue.Queue()

    def copy(self) -> "Replies":
        return Replies()

    def receive(self, frame: Any) -> None:
        pass

    def say(self, samples: np.ndarray, rate: int = 24000) -> None:
        for start in range(0, len(samples), rate // 50):
            self.audio.put((rate, samples[start : start + rate // 50]))

    def emit(self) -> Any:
        try:
            return self.audio.get(timeout=0.05)
        except queue.Empty:
            return None


def tone_24k(seconds: float, frequency: float) -> np.ndarray:
    time = np.arange(round(seconds * 24000)) / 24000
    return (8000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


async def test_after_a_reply_some_silence_then_nothing() -> None:
    """Row 22: what was said is heard to its end, and nothing of it before the next reply."""
    stream = Stream(Replies(), modality="audio", server_rtc_configuration=LOCAL)
    lengths, pitches = (0.317, 0.253), (440, 1500)
    stalls = Stalls()
    stalls.watch()
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        heard, parts = [], []
        for length, pitch in zip(lengths, pitches, strict=True):
            before, sent_before = len(client.audio_frames), len(client.packets)
            mine.say(tone_24k(length, pitch))
            await eventually(lambda before=before: len(client.audio_frames) > before + 10)
            await asyncio.sleep(1.2)
            heard.append(np.concatenate([f for _, f, _ in client.audio_frames[before:]]))
            parts.append(client.packets[sent_before:])
        packets = client.packets
    stalls.end()
    first, second = parts
    sequences = np.array([packet.sequence for packet in packets])
    assert np.all(np.diff(sequences) % 65536 == 1)
    for part in (first, second):
        assert np.all(np.diff([packet.timestamp for packet in part]) % 2**32 >= 960)
    pause = second[0].at - first[-1].at
    moved_on = (second[0].timestamp - first[-1].timestamp) % 2**32 / RATE
    assert moved_on == pytest.approx(pause, abs=0.25 + stalls.longest())
    for samples, length, pitch in zip(heard, lengths, pitches, strict=True):
        windows = np.abs(samples.astype(int)).reshape(-1, WINDOW).max(axis=1)
        (loud,) = np.nonzero(windows > 1500)
        # a machine that stalls in the middle of it makes a pause there
        assert len(loud) * WINDOW / RATE == pytest.approx(length, abs=0.017)
        assert frequency(samples[loud[0] * WINDOW :]) == pytest.approx(pitch, abs=20)
        silent = len(windows) - loud[-1] - 1
        assert 0.1 <= silent * WINDOW / RATE <= 0.34  # some 200 ms
    # the beginning of the second reply has nothing of the first in it
    start = heard[1][: np.nonzero(np.abs(heard[1].astype(int)) > 1500)[0][0] + 960]
    assert frequency(np.pad(start, (0, 24000))) == pytest.approx(1500, abs=100)


async def test_what_was_said_last_is_received() -> None:
    """A peer that stops sending leaves nothing in a buffer of ours."""
    stream = Stream(AsyncAudioEcho(), modality="audio", mode="send", server_rtc_configuration=LOCAL)
    last = np.concatenate([np.zeros(24000, np.int16), tone(0.1, 1000)])
    async with Client(stream, audio=AudioSource(last, then_nothing=True)) as client:
        mine = stream.handlers[client.webrtc_id]
        # aiortc's encoder keeps the last 20 ms at most; of the rest, all but the few
        # samples that a resampler looks ahead
        await eventually(lambda: mine.samples().size >= 0.57 * 24000)
    heard = mine.samples()
    (loud,) = np.nonzero(np.abs(heard.astype(int)) > 3000)
    assert loud[-1] - loud[0] >= 0.07 * 24000
