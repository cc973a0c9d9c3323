"""When audio was heard, from marks, reports and estimates."""

from typing import Any

import pytest

from fastrtc.pacing.arrival_clock import ArrivalClock
from fastrtc.session.playback_reports import ASSUMED_DELAY_S, ROUND_TRIPS, PlaybackReports
from fastrtc.testing.impairments import Network, Path


def test_nothing_is_known_without_reports() -> None:
    assert PlaybackReports().heard_at(1.0, 0.0) is None


def test_a_mark_tells_when_the_audio_before_it_was_heard() -> None:
    playback = PlaybackReports()
    playback.has_marks = True
    playback.played(5.0, 10.0)  # of the reply before
    assert playback.heard_at(10.5, 5.0) is None
    playback.played(5.1, 10.8)
    playback.played(5.2, 10.9)
    assert playback.heard_at(10.5, 5.0) == (pytest.approx(10.72), "marks")


def test_each_mark_tells_it_again() -> None:
    playback = PlaybackReports()
    playback.has_marks = True
    times = []
    for position_s, at in ((0.1, 10.5), (0.2, 10.5), (0.3, 10.3 + 0.28), (0.4, 10.3 + 0.4)):
        playback.played(position_s, at)
        heard = playback.heard_at(10.2, 0.0)
        assert heard is not None and heard[1] == "marks"
        times.append(heard[0])
    assert times == pytest.approx([10.42, 10.32, 10.3, 10.32])
    assert playback.has_played(0.5) and not playback.has_played(0.6)


def test_audio_is_never_heard_before_it_was_sent() -> None:
    playback = PlaybackReports()
    playback.has_marks = True
    playback.played(1.0, 2.0)
    assert playback.heard_at(1.9, 0.0) == (1.9, "marks")


def test_a_client_that_reports_its_delay_is_believed() -> None:
    playback = PlaybackReports()
    assert not playback.answers
    number = playback.ask(10.0)
    assert playback.answer(number, 0.05, 10.03)
    assert playback.answers
    assert playback.heard_at(20.0, 0.0) == (pytest.approx(20.08), "client")
    playback.measured(0.01)  # RTCP is more exact: no program is in between
    assert playback.heard_at(20.0, 0.0) == (pytest.approx(20.06), "client")


def test_the_shortest_answer_is_the_round_trip() -> None:
    playback = PlaybackReports()
    for took_s in (0.2, 0.03, 0.5):
        assert playback.answer(playback.ask(10.0), 0.0, 10.0 + took_s)
    assert playback.answer(99, 0.0, 10.0), "without a question, only the delay counts"
    assert playback.heard_at(20.0, 0.0) == (pytest.approx(20.03), "client")


def test_a_client_may_not_know_it_yet() -> None:
    playback = PlaybackReports()
    assert playback.answer(playback.ask(1.0), None, 1.1)
    assert playback.answers and playback.heard_at(2.0, 0.0) is None


def test_a_client_may_no_longer_know_it() -> None:
    playback = PlaybackReports()
    assert playback.answer(playback.ask(1.0), 0.3, 1.1)
    assert playback.heard_at(2.0, 0.0) == (pytest.approx(2.4), "client")
    assert playback.answer(playback.ask(3.0), None, 3.1)
    assert playback.heard_at(4.0, 0.0) is None
    assert not playback.answer(playback.ask(5.0), 11.0, 5.1)


@pytest.mark.parametrize("delay_s", ["1", True, -0.1, 11, float("nan"), float("inf"), []])
def test_what_is_no_delay_is_no_answer(delay_s: Any) -> None:
    playback = PlaybackReports()
    assert not playback.answer(playback.ask(1.0), delay_s, 1.1)
    assert not playback.answers


def test_usual_buffers_are_assumed_once_the_round_trip_is_known() -> None:
    playback = PlaybackReports()
    playback.assumed_s = ASSUMED_DELAY_S
    assert playback.heard_at(1.0, 0.0) is None
    playback.measured(0.1)
    assert playback.heard_at(1.0, 0.0) == (pytest.approx(1.1 + ASSUMED_DELAY_S), "estimate")


def test_the_latest_round_trips_count() -> None:
    playback = PlaybackReports()
    playback.answer(playback.ask(1.0), 0.0, 10.0)
    playback.measured(9.0)
    for number in range(ROUND_TRIPS):
        playback.measured(0.02 if number % 2 else 0.06)
    assert playback.measured_round_trip_s == pytest.approx(0.04)
    assert playback.heard_at(20.0, 0.0) == (pytest.approx(20.03), "client")
    playback.reset()
    assert playback.measured_round_trip_s is None


@pytest.mark.parametrize("jitter_ms", [0, 40])
def test_the_silence_is_that_at_a_client_whose_network_has_jitter(jitter_ms: float) -> None:
    off_s = [
        one for seed in range(10) for one in differences(Network(jitter_ms=jitter_ms, seed=seed))
    ]
    assert len(off_s) == 170
    assert sum(abs(one) < 0.03 for one in off_s) >= 0.97 * len(off_s), sorted(off_s)
    assert max(map(abs, off_s)) < 0.04 and abs(sum(off_s) / len(off_s)) < 0.01


def differences(network: Network) -> list[float]:
    """How far the silence of 17 records is from that at the client, in seconds.

    Without jitter, a packet takes 30 ms in each direction; the client plays it 20 ms later.
    """
    to_server, to_client = network.path("to the server"), network.path("to the caller")
    playback, clock = PlaybackReports(), ArrivalClock()

    def arrives(path: Path, sent_s: float) -> float:
        arrival_s = path.arrival_s(sent_s)
        assert arrival_s is not None
        return arrival_s + 0.03

    arrived_s = 0.0
    off_s = []
    for number in range(1, 3000):
        now = number * 0.02  # the end of a frame, which is sent then
        arrived_s = max(arrived_s, arrives(to_server, now))  # in order, by the jitter buffer
        clock.push(now, arrived_s)
        if number % 50 == 0:
            playback.measured(arrives(to_server, arrives(to_client, now)) - now)
        if number % 150 == 0 and number > 300:
            sent_s = arrived_s + 0.5
            answered_s = arrives(to_server, arrives(to_client, sent_s))
            playback.answer(playback.ask(sent_s), 0.02, answered_s)
            heard = playback.heard_at(sent_s, 0.0)
            assert heard is not None
            silence_s = arrives(to_client, sent_s) + 0.02 - now
            off_s.append(heard[0] - clock.time_of(now) - silence_s)
    return off_s
