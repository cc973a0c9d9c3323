from fastrtc.pacing.realtime_limit import AHEAD_S, MIN_S, RealtimeAudioLimit


def test_real_time_is_always_allowed() -> None:
    allowance = RealtimeAudioLimit()
    assert all(allowance.take(0.02, 5 + number * 0.02) for number in range(10_000))


def test_a_recording_may_come_at_once_up_to_a_length() -> None:
    allowance = RealtimeAudioLimit()
    taken = sum(allowance.take(1.0, 0.0) for _ in range(100))
    assert taken == AHEAD_S
    assert not allowance.take(1.0, 0.5)
    assert allowance.take(1.0, 1.0)


def test_a_pause_does_not_add_up() -> None:
    allowance = RealtimeAudioLimit()
    assert allowance.take(1.0, 0.0)
    assert sum(allowance.take(1.0, 1000.0) for _ in range(100)) == AHEAD_S


def test_tiny_pieces_are_limited_too() -> None:
    allowance = RealtimeAudioLimit()
    taken = sum(allowance.take(0.0, 0.0) for _ in range(100_000))
    assert taken <= AHEAD_S / MIN_S + 1
