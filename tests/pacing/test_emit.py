"""The clock of an `emit` that has nothing, in virtual time."""

import random

from fastrtc.pacing.emit import DROPPED_AHEAD_S, DroppedAudio, EmitClock


def calls(seconds: float, fed_at: list[float]) -> list[float]:
    """When `emit`, which never has anything, is asked, if it is fed at these times."""
    clock = EmitClock()
    now, asked, feeds = 0.0, [], list(fed_at)
    while now < seconds:
        asked.append(now)
        earliest, latest = clock.window(now)
        while feeds and feeds[0] <= now:  # what came before it was asked woke nobody
            feeds.pop(0)
        if feeds and feeds[0] < latest:
            clock.fed(feeds[0])
            now = max(feeds.pop(0), earliest)
        else:
            now = latest
    return asked


def test_nobody_feeds_it() -> None:
    asked = calls(10, [])
    assert 499 <= len(asked) <= 501


def test_a_fed_one_is_asked_when_it_is_fed() -> None:
    generator = random.Random(1)
    fed = [k * 0.02 + generator.uniform(0, 0.008) for k in range(1, 500)]
    asked = calls(10, fed)
    assert len(asked) <= 502
    late = sorted(min(a - f for a in asked if a >= f - 1e-9) for f in fed[:-1])
    assert late[len(late) // 2] < 0.002
    assert late[int(len(late) * 0.95)] < 0.010


def test_never_more_than_fifty_a_second_however_it_is_fed() -> None:
    asked = calls(10, [k * 0.001 for k in range(10000)])
    assert len(asked) <= 502


def test_audio_that_is_dropped_may_be_a_minute_ahead() -> None:
    dropped = DroppedAudio()
    assert dropped.room_at < 0
    for _ in range(100):
        dropped.add(1.0, now=10.0)
    assert dropped.room_at == 10.0 + 40.0
    dropped.add(1000.0, now=50.0)
    assert dropped.room_at == 50.0 + DROPPED_AHEAD_S
    dropped.add(1.0, now=500.0)  # nothing was dropped for long
    assert dropped.room_at == 501.0 - DROPPED_AHEAD_S
    dropped.clear()
    assert dropped.room_at < 0
