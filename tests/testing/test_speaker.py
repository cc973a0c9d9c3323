import asyncio

import numpy as np
import pytest

from fastrtc.testing.speaker import Speaker
from tests.support.virtual_time import virtual_time

FRAME = np.full(160, 1000, np.int16)  # 20 ms
SILENCE = np.zeros(160, np.int16)


class Played(list[tuple[float, int]]):
    """What a speaker plays: when since its creation, and how many samples."""

    def __init__(self, delay_s: float = 0.0, max_queued_s: float = 0.1) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.speaker = Speaker(self._play, delay_s, max_queued_s)

    def _play(self, when: float, rate: int, samples: np.ndarray) -> None:
        assert when <= self._loop.time() + 0.002
        self.append((when - self._began, len(samples)))


@virtual_time
async def test_pieces_follow_each_other() -> None:
    played = Played(delay_s=0.02)
    done = asyncio.Event()
    for _ in range(3):
        played.speaker.push(8000, FRAME)
    played.speaker.after(done.set)
    await done.wait()
    starts = [when for when, _ in played]
    assert starts == pytest.approx([0.02, 0.04, 0.06])


@virtual_time
async def test_how_long_audio_waits() -> None:
    speaker = Played(delay_s=0.05).speaker
    assert speaker.waits_s == 0.05
    for number in range(3):
        before = speaker.waits_s
        speaker.push(8000, FRAME)
        assert before == pytest.approx(0.05 + 0.02 * number)
    speaker.pause()
    waits_s = speaker.waits_s
    await asyncio.sleep(0.05)
    assert speaker.waits_s == waits_s > 0.05
    speaker.clear()
    assert speaker.waits_s == 0.05


@virtual_time
async def test_cleared_audio_is_not_played_and_marks_are_returned() -> None:
    played = Played(delay_s=10.0)
    called: list[str] = []
    played.speaker.push(8000, FRAME)
    played.speaker.after(lambda: called.append("mark"))
    played.speaker.clear()
    assert called == ["mark"] and not played


@virtual_time
async def test_a_pause_holds_audio_and_marks() -> None:
    played = Played()
    done = asyncio.Event()
    for _ in range(3):
        played.speaker.push(8000, FRAME)
    await asyncio.sleep(0.005)
    played.speaker.pause()
    played.speaker.pause()
    played.speaker.push(8000, FRAME)
    played.speaker.after(done.set)
    await asyncio.sleep(0.2)
    assert len(played) == 1
    played.speaker.resume()
    played.speaker.resume()
    await done.wait()
    starts = [when for when, _ in played]
    assert starts == pytest.approx([0.0, 0.22, 0.24, 0.26])


@virtual_time
async def test_a_clear_ends_a_pause() -> None:
    played = Played()
    played.speaker.pause()
    played.speaker.push(8000, FRAME)
    played.speaker.clear()
    done = asyncio.Event()
    played.speaker.push(8000, FRAME)
    played.speaker.after(done.set)
    await done.wait()
    assert len(played) == 1


@virtual_time
async def test_silence_is_skipped_while_much_is_queued() -> None:
    played = Played()
    for samples in (FRAME,) * 8 + (SILENCE,) * 5 + (FRAME,):
        played.speaker.push(8000, samples)
    done = asyncio.Event()
    played.speaker.after(done.set)
    await done.wait()
    assert len(played) == 9


@virtual_time
async def test_nothing_is_played_after_the_end() -> None:
    played = Played()
    played.speaker.push(8000, FRAME)
    played.speaker.stop()
    await asyncio.sleep(0.03)
    assert not played
