from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.pacing.jitter_buffer import JitterBuffer, JitterBufferOptions, Packet

FRAME = 960
OPTIONS = JitterBufferOptions()


def push(buffer: JitterBuffer[int], number: int, now: float = 0.0) -> list[int]:
    """Push the packet of a number, which counts on where sequence numbers wrap."""
    packets = buffer.push(number % 65536, number * FRAME % 2**32, number, now)
    return [packet.payload for packet in packets]


def poll(buffer: JitterBuffer[int], now: float) -> list[int]:
    return [packet.payload for packet in buffer.poll(now)]


def play(
    arrivals: list[tuple[float, int]],
) -> tuple[JitterBuffer[int], list[tuple[float, Packet]]]:
    """Let packets arrive at their times, with a timer as a receiver has; what came out when."""
    buffer: JitterBuffer[int] = JitterBuffer()
    out: list[tuple[float, Packet]] = []
    for now, number in arrivals:
        while (deadline := buffer.deadline) is not None and deadline <= now:
            out += [(deadline, packet) for packet in buffer.poll(deadline)]
        packets = buffer.push(number % 65536, number * FRAME % 2**32, number, now)
        out += [(now, packet) for packet in packets]
    while (deadline := buffer.deadline) is not None:
        out += [(deadline, packet) for packet in buffer.poll(deadline)]
    return buffer, out


def test_packets_in_order_come_out_at_once():
    buffer: JitterBuffer[int] = JitterBuffer()
    for number in range(100, 200):
        assert push(buffer, number, number * 0.02) == [number]
        assert buffer.deadline is None
    assert buffer.lost == 0
    assert buffer.wait_s == OPTIONS.least_wait_s


def test_a_packet_that_overtook_waits_for_the_one_before():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 1, 0.0)
    assert push(buffer, 3, 0.01) == []
    assert buffer.deadline == pytest.approx(0.01 + OPTIONS.least_wait_s)
    assert push(buffer, 2, 0.02) == [2, 3]
    assert buffer.deadline is None
    assert buffer.lost == 0


def test_a_lost_packet_is_waited_for_and_then_skipped():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 1, 0.0)
    assert push(buffer, 4, 0.02) == []
    assert poll(buffer, 0.02) == []
    (packet,) = buffer.poll(0.05)
    assert packet == Packet(4 * FRAME, 4, 2)
    assert buffer.lost == 2
    assert buffer.deadline is None
    assert push(buffer, 5, 0.06) == [5]


def test_lost_says_how_many_are_missing_before_each_packet():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 1, 0.0)
    for number in (3, 4, 7):
        push(buffer, number, 0.01)
    assert [(p.payload, p.lost) for p in buffer.poll(1.0)] == [(3, 1), (4, 0), (7, 2)]
    assert buffer.lost == 3


def test_waits_for_several_gaps_do_not_add_up():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 1, 0.0)
    push(buffer, 3, 0.01)
    push(buffer, 5, 0.02)
    assert poll(buffer, 0.01 + OPTIONS.least_wait_s) == [3]
    assert buffer.deadline == pytest.approx(0.02 + OPTIONS.least_wait_s)
    assert poll(buffer, 0.02 + OPTIONS.least_wait_s) == [5]


def test_duplicates_come_out_once():
    buffer: JitterBuffer[int] = JitterBuffer()
    assert push(buffer, 1) == [1]
    assert push(buffer, 1) == []
    assert push(buffer, 3) == []
    assert push(buffer, 3) == []
    assert push(buffer, 2) == [2, 3]
    assert push(buffer, 2) == []
    assert buffer.lost == 0
    assert buffer.wait_s == OPTIONS.least_wait_s


def test_the_first_of_two_equal_packets_counts():
    buffer: JitterBuffer[str] = JitterBuffer()
    buffer.push(1, 0, "first", 0.0)
    buffer.push(3, 0, "third", 0.0)
    buffer.push(3, 0, "forged", 0.0)
    assert [p.payload for p in buffer.push(2, 0, "second", 0.0)] == ["second", "third"]


def test_what_came_before_the_first_packet_is_too_late():
    buffer: JitterBuffer[int] = JitterBuffer()
    assert push(buffer, 11) == [11]
    assert push(buffer, 10) == []
    assert push(buffer, 12) == [12]
    assert buffer.lost == 0


def test_sequence_numbers_wrap():
    buffer: JitterBuffer[int] = JitterBuffer()
    assert push(buffer, 65534) == [65534]
    assert push(buffer, 65536) == []
    assert push(buffer, 65535) == [65535, 65536]
    assert push(buffer, 65537) == [65537]


def test_a_gap_may_be_where_sequence_numbers_wrap():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 65534)
    push(buffer, 65538, 0.0)
    assert poll(buffer, 1.0) == [65538]
    assert buffer.lost == 3


def test_timestamps_do_not_wrap():
    buffer: JitterBuffer[int] = JitterBuffer()
    start = 2**32 - FRAME
    times = [buffer.push(k, (start + k * FRAME) % 2**32, k, 0.0)[0].timestamp for k in range(3)]
    assert times == [start, start + FRAME, start + 2 * FRAME]


def test_timestamps_may_jump():
    buffer: JitterBuffer[int] = JitterBuffer()
    given = [5000, 5000 + 10 * 48000, 100, 100 + FRAME]  # a pause; a step back
    assert [buffer.push(k, t, k, 0.0)[0].timestamp for k, t in enumerate(given)] == given


@pytest.mark.parametrize("far", [10_000, 101, -101, -10_000])
def test_a_stream_far_away_has_begun_anew(far):
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 20_000)
    push(buffer, 20_002, 0.0)
    assert push(buffer, 20_001 + far) == [20_001 + far]
    assert buffer.deadline is None
    assert poll(buffer, 10.0) == []
    assert push(buffer, 20_002 + far) == [20_002 + far]


def test_a_stream_that_stands_still_for_long_goes_on():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 1, 0.0)
    assert push(buffer, 2, 3600.0) == [2]


def test_too_many_do_not_wait():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 0)
    out: list[int] = []
    for number in range(2, 60):
        out += push(buffer, number, 0.0)  # no time passes
        assert len(buffer._waiting) <= OPTIONS.most_waiting
    assert out == list(range(2, 60))
    assert buffer.lost == 1


def test_the_wait_grows_when_packets_come_late():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 1, 0.0)
    push(buffer, 3, 0.02)
    assert poll(buffer, 0.05) == [3]
    assert buffer.lost == 1
    assert push(buffer, 2, 0.1) == []  # too late to be heard, but not lost on the way
    assert buffer.lost == 0
    assert buffer.wait_s == pytest.approx(1.25 * 0.08)
    assert push(buffer, 2, 0.1) == []
    assert buffer.lost == 0

    push(buffer, 5, 0.12)
    assert poll(buffer, 0.2) == []
    assert push(buffer, 4, 0.2) == [4, 5]  # this time it was waited for


def test_the_wait_has_a_bound():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 1, 0.0)
    push(buffer, 3, 0.02)
    poll(buffer, 1.0)
    push(buffer, 2, 1.5)
    assert buffer.wait_s == OPTIONS.most_wait_s


def test_the_wait_shrinks_again_in_a_minute():
    buffer: JitterBuffer[int] = JitterBuffer()
    push(buffer, 1, 0.0)
    push(buffer, 3, 0.02)
    poll(buffer, 1.0)
    push(buffer, 2, 1.5)
    for number in range(4, 4 + 350):  # 7 s
        push(buffer, number, number * 0.02)
    half = (OPTIONS.most_wait_s + OPTIONS.least_wait_s) / 2
    assert buffer.wait_s == pytest.approx(half, rel=0.01)
    for number in range(354, 354 + 3000):
        push(buffer, number, number * 0.02)
    assert buffer.wait_s == pytest.approx(OPTIONS.least_wait_s, rel=0.02)


def jittery(seconds: float, delays: list[float], loss: float = 0.0) -> list[tuple[float, int]]:
    """Packets of 20 ms, each with one of the delays, in order of arrival."""
    rng = random.Random(4)
    numbers = range(round(50 * seconds))
    return sorted(
        (k * 0.02 + rng.choice(delays), k) for k in numbers if not k or rng.random() > loss
    )


UP_TO_100_MS = [k / 1000 for k in range(100)]


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
@pytest.mark.parametrize(
    ("delays", "most_late"), [(UP_TO_100_MS, 0.002), ([0.0, 0.0, 0.0, 0.1], 0.0)]
)
def test_the_wait_follows_the_jitter(delays, most_late, loss):
    """Nearly all packets are waited for, and no longer than they are late."""
    arrivals = jittery(60, delays, loss)
    buffer, out = play(arrivals)
    settled = {packet.payload for at, packet in out if at > 5}
    late = [number for at, number in arrivals if number * 0.02 > 5 and number not in settled]
    assert len(late) <= most_late * len(settled)
    assert 0.06 < buffer.wait_s <= 0.1


def test_the_wait_is_back_half_a_minute_after_the_jitter():
    buffer, _ = play(jittery(20, UP_TO_100_MS))
    assert buffer.wait_s > 0.06
    for number in range(1000, 1000 + 10 * 50):
        push(buffer, number, number * 0.02)
    assert 0.03 < buffer.wait_s < 0.08
    for number in range(1500, 1500 + 25 * 50):
        push(buffer, number, number * 0.02)
    assert buffer.wait_s == pytest.approx(OPTIONS.least_wait_s, rel=0.15)


def test_loss_alone_makes_no_wait_longer():
    buffer, out = play(jittery(20, [0.0], 0.3))
    assert buffer.wait_s == OPTIONS.least_wait_s
    arrived = {packet.payload: packet.payload * 0.02 for _, packet in out}
    assert max(at - arrived[packet.payload] for at, packet in out) <= OPTIONS.least_wait_s + 1e-9


def test_a_few_very_late_packets_make_no_lasting_wait():
    buffer: JitterBuffer[int] = JitterBuffer()
    for number in range(OPTIONS.window):
        at = number * 0.02
        if number % 125 == 60:  # four of them, 0.14 s late
            continue
        for deadline in [buffer.deadline] * (buffer.deadline is not None and buffer.deadline <= at):
            buffer.poll(deadline)
        push(buffer, number, at)
        if number % 125 == 67:
            push(buffer, number - 7, at)
    assert len(buffer._lateness.late) == 4
    assert buffer._lateness.target_s(buffer._count) == 0


def test_what_is_remembered_of_late_packets_is_bounded_if_none_is_in_order():
    buffer: JitterBuffer[int] = JitterBuffer()
    for number in range(0, 12 * OPTIONS.window, 3):  # each third is missing, the others are swapped
        push(buffer, number + 2, number * 0.02)
        push(buffer, number + 1, number * 0.02 + 0.01)
        poll(buffer, number * 0.02 + 0.05)
    assert 0 < len(buffer._lateness.late) <= OPTIONS.window


def test_what_is_remembered_of_late_packets_is_bounded():
    buffer, _ = play(jittery(60, [*UP_TO_100_MS, 0.15]))
    assert len(buffer._lateness.late) <= OPTIONS.window
    assert len(buffer._lateness._sorted) == len(buffer._lateness.late)


def test_what_is_remembered_of_lost_packets_is_bounded():
    buffer: JitterBuffer[int] = JitterBuffer()
    for number in range(0, 10_000, 10):
        push(buffer, number, number * 0.02)
        poll(buffer, number * 0.02 + 1)
    assert buffer.lost == 999 * 9
    assert len(buffer._skipped) <= OPTIONS.most_misorder
    assert not buffer._waiting


def test_nobody_waits_longer_than_the_bound_at_a_loss_of_a_third():
    rng = random.Random(3)
    arrivals = sorted(
        (number * 0.02 + rng.choice([0, 0, 0, 0.1]), number)
        for number in range(3000)
        if rng.random() > 0.33 or number == 0
    )
    arrived = {number: at for at, number in arrivals}
    _, out = play(arrivals)
    waits = [at - arrived[packet.payload] for at, packet in out]
    assert max(waits) <= OPTIONS.most_wait_s + 1e-9


journeys = st.lists(
    st.one_of(
        st.none(),  # lost
        st.lists(st.floats(0, 0.3), min_size=1, max_size=2),  # delays: it may come twice
    ),
    min_size=1,
    max_size=120,
)


@given(st.integers(0, 65535), journeys)
def test_whatever_the_network_does(first, journeys):
    arrivals = sorted(
        (k * 0.02 + delay, first + k) for k, delays in enumerate(journeys) for delay in delays or []
    )
    arrived: dict[int, float] = {}
    for at, number in arrivals:
        arrived.setdefault(number, at)
    buffer, out = play(arrivals)
    numbers = [packet.payload for _, packet in out]
    assert numbers == sorted(set(numbers)), "in order, each once"
    for at, packet in out:
        assert arrived[packet.payload] <= at <= arrived[packet.payload] + OPTIONS.most_wait_s + 1e-9
    for previous, (_, packet) in zip(numbers, out[1:], strict=False):
        assert packet.lost == packet.payload - previous - 1
        assert packet.payload * FRAME % 2**32 == packet.timestamp % 2**32
    never = set(range(numbers[0], numbers[-1] + 1)) - set(arrived) if numbers else set()
    assert buffer.lost >= len(never)
    assert not buffer._waiting
    assert OPTIONS.least_wait_s <= buffer.wait_s <= OPTIONS.most_wait_s


@given(st.integers(0, 65535), st.lists(st.floats(0, 0.029), min_size=1, max_size=100))
def test_jitter_below_the_wait_costs_no_packet_and_no_time(first, delays):
    """Each comes out as soon as it, and all before it, are there."""
    delays[0] = 0.0
    arrivals = sorted((k * 0.02 + delay, first + k) for k, delay in enumerate(delays))
    buffer, out = play(arrivals)
    expected, latest = [], 0.0
    for k, delay in enumerate(delays):
        latest = max(latest, k * 0.02 + delay)
        expected.append((latest, first + k, 0))
    assert [(at, packet.payload, packet.lost) for at, packet in out] == expected
    assert buffer.lost == 0
