"""Functions are called as audio is played, in virtual time."""

import asyncio

from fastrtc.pacing.cues import MAX_WAITING, Cues
from tests.support.virtual_time import virtual_time


class Played:
    """Audio that is played in real time, and may be paused."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.paused_s = 0.0
        self.called: list[tuple[str, float]] = []
        self.cues = Cues(lambda: self.now - self.paused_s)

    @property
    def now(self) -> float:
        return self.loop.time() - self.began

    def add(self, at_s: float, name: str) -> None:
        self.cues.add(at_s, lambda: self.called.append((name, round(self.now, 2))))


@virtual_time
async def test_each_is_called_when_its_audio_begins() -> None:
    played = Played()
    played.add(0.0, "first")
    assert played.called == [("first", 0.0)]
    played.add(0.5, "second")
    played.add(0.5, "with it")
    played.add(2.0, "third")
    await asyncio.sleep(3)
    assert played.called[1:] == [("second", 0.5), ("with it", 0.5), ("third", 2.0)]


@virtual_time
async def test_a_pause_delays_and_a_clear_drops() -> None:
    played = Played()
    played.add(0.5, "late")
    played.paused_s = 1.0
    await asyncio.sleep(1.4)
    assert played.called == []
    await asyncio.sleep(0.2)
    assert played.called == [("late", 1.5)]
    played.add(3.0, "never")
    played.cues.clear()
    played.add(2.0, "after it")
    await asyncio.sleep(5)
    assert [name for name, _ in played.called] == ["late", "after it"]


@virtual_time
async def test_nothing_is_called_nor_looked_at_once_closed() -> None:
    played = Played()
    played.add(0.5, "never")
    played.cues.close()
    played.add(0.0, "too late")
    played.add(1.0, "too late")
    assert played.cues._timer is None
    await asyncio.sleep(2)
    assert played.called == []


@virtual_time
async def test_they_are_bounded() -> None:
    played = Played()
    for number in range(MAX_WAITING + 2):
        played.add(9.0, str(number))
    assert [name for name, _ in played.called] == ["0", "1"]
    played.cues.clear()
