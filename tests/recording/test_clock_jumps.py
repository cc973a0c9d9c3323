"""A client whose RTP clock jumps: nothing of its audio is lost, and nothing is overwritten."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from fastrtc.recording.events import Received
from fastrtc.recording.timeline import Timeline

RATE = 24_000
FRAME_S = 0.02
FRAME = round(RATE * FRAME_S)
FIRST = 1000
"""The level of the first frame; each further one is louder by 1."""

PACKET = bytes([31 << 3]) + bytes(8)


def frames(
    seconds: float,
    jumps_s: Callable[[float], float],
    late_s: Callable[[float], float] = lambda at_s: 0.0,
) -> Iterator[Received]:
    """Frames of a client by the jumps of its clock so far, and how late they arrive."""
    arrival_s = 0.0
    for n in range(round(seconds / FRAME_S)):
        at_s = n * FRAME_S
        arrival_s = max(arrival_s, 100.05 + at_s + late_s(at_s))
        samples = np.full((1, FRAME), FIRST + n, np.int16)
        yield Received(1000 + at_s + jumps_s(at_s), True, arrival_s, RATE, samples, PACKET)


def record(
    events: Iterable[Received], *, packets: bool = True, consent: bool = False
) -> np.ndarray:
    """Record as the writer does, in batches of 0.4 s."""
    timeline = Timeline(rates=(RATE, RATE), packets=packets, consent=consent)
    blocks, waiting, now_s = list(timeline.start(100.0)), list(events), 100.0
    while waiting:
        now_s += 0.4
        batch = [event for event in waiting if event.arrival_s <= now_s]
        waiting = waiting[len(batch) :]
        timeline.add(batch)
        blocks += timeline.read(now_s)
    blocks += timeline.stop(now_s + 1)
    return np.concatenate([block.received.samples for block in blocks])


def found(samples: np.ndarray) -> list[int]:
    """The numbers of the frames of which most is in a recording, in its order."""
    borders = np.flatnonzero(np.diff(samples)) + 1
    parts = np.split(samples, borders)
    return [int(part[0]) - FIRST for part in parts if part[0] and len(part) > 0.9 * FRAME]


def starts_s(samples: np.ndarray, frame: int) -> float:
    return float(np.flatnonzero(samples == FIRST + frame)[0] / RATE)


@pytest.mark.parametrize("packets", [True, False])
@pytest.mark.parametrize("jump_s", [2, 30, 4000, -0.9, -2, -4000])
@pytest.mark.parametrize("at_s", [0.1, 10.0])
def test_a_jump_loses_nothing(at_s: float, jump_s: float, packets: bool) -> None:
    """Also while the first audio is held."""
    events = frames(20, lambda now_s: jump_s if now_s > at_s - 0.001 else 0.0)
    samples = record(events, packets=packets)
    assert found(samples) == [*range(1000)]
    assert starts_s(samples, 999) == pytest.approx(0.03 + 999 * FRAME_S, abs=0.11)


@pytest.mark.parametrize("packets", [True, False])
@pytest.mark.parametrize(
    ("jump_s", "every_s"), [(0.9, 0.4), (0.5, 2.0), (0.1, 0.1), (-0.3, 2.0), (-0.9, 0.4)]
)
def test_jumps_of_less_than_a_second_do_not_add_up(
    jump_s: float, every_s: float, packets: bool
) -> None:
    events = frames(60, lambda now_s: jump_s * int(now_s / every_s + 0.001))
    samples = record(events, packets=packets)
    numbers = found(samples)
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 3000 - 50, "but for the first second"
    assert numbers[-1] == 2999
    assert starts_s(samples, 2999) == pytest.approx(60, abs=1.5)


@pytest.mark.parametrize("packets", [True, False])
def test_a_step_back_overwrites_nothing(packets: bool) -> None:
    samples = record(frames(20, lambda at_s: -0.3 if at_s >= 10 else 0.0), packets=packets)
    assert found(samples) == [*range(1000)]


@pytest.mark.parametrize("packets", [True, False])
def test_a_step_back_of_late_audio_overwrites_nothing(packets: bool) -> None:
    """A stall of the network has moved it to where it is; its clock jumps while it is late."""
    events = frames(
        20,
        lambda at_s: -0.4 if at_s >= 5.5 else 0.0,
        lambda at_s: max(0.0, 5.9 - at_s) if at_s >= 5 else 0.0,
    )
    assert found(record(events, packets=packets)) == [*range(1000)]


def test_a_gap_makes_up_for_a_delay() -> None:
    """After a stall audio is late, until 1 s is missing."""

    def late_s(at_s: float) -> float:
        return max(0.0, 5.9 - at_s) if 5 <= at_s < 5.9 else 0.0

    events = [event for event in frames(20, lambda at_s: 0.0, late_s)]
    samples = record([*events[:400], *events[450:]])
    assert found(samples) == [*range(400), *range(450, 1000)]
    assert starts_s(samples, 399) > 0.03 + 399 * FRAME_S + 0.1
    assert starts_s(samples, 450) == pytest.approx(0.03 + 450 * FRAME_S, abs=0.015)
