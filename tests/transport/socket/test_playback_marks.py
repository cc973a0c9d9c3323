"""What a client has played, by its marks."""

import pytest

from fastrtc.transport.socket.playback_marks import MAX_MARKS, PlaybackMarks

FRAME_S = 0.02


def send(playback: PlaybackMarks, seconds: float, now: float) -> list[str]:
    """Send 20 ms at a time, in no time; gives the marks that were wanted."""
    marks = [playback.sent(FRAME_S, now) for _ in range(round(seconds / FRAME_S))]
    return [mark for mark in marks if mark is not None]


def test_a_mark_follows_every_100_ms():
    assert len(send(PlaybackMarks(), 1.0, 0.0)) == 10


def test_marks_say_what_was_played():
    playback = PlaybackMarks()
    marks = send(playback, 1.0, 0.0)

    playback.played(marks[0], 0.0)
    assert playback.unplayed_s(0.1) == pytest.approx(0.9)
    playback.played(marks[6], 0.0)
    assert playback.unplayed_s(0.7) == pytest.approx(0.3)
    playback.played(marks[9], 0.0)
    assert playback.unplayed_s(1.0) == pytest.approx(0.0)


def test_a_last_mark_says_that_all_was_played():
    playback = PlaybackMarks()
    (mark,) = send(playback, 0.16, 0.0)
    last = playback.ended()
    assert last is not None
    assert playback.ended() is None, "nothing follows the last mark"

    playback.played(mark, 0.0)
    assert not playback.all_played
    assert playback.unplayed_s(0.1) == pytest.approx(0.06)
    playback.played(last, 0.0)
    assert playback.all_played
    assert playback.unplayed_s(0.16) == pytest.approx(0.0)


def test_marks_that_are_old_or_unknown_change_nothing():
    playback = PlaybackMarks()
    marks = send(playback, 0.5, 0.0)
    playback.played(marks[2], 0.0)

    playback.played(marks[0], 0.0)
    playback.played(marks[2], 0.0)
    playback.played("somebody else's", 0.0)

    assert playback.unplayed_s(0.3) == pytest.approx(0.2)


def test_a_client_that_sends_no_marks_plays_what_it_is_sent():
    playback = PlaybackMarks()
    send(playback, 100.0, 0.0)

    assert playback.unplayed_s(0.0) == 0.0
    assert len(playback._marks) == MAX_MARKS


def test_one_that_stops_sending_them_is_not_waited_for():
    playback = PlaybackMarks()
    first, *_ = send(playback, 0.5, 0.0)
    playback.played(first, 0.0)

    assert playback.unplayed_s(0.5) == pytest.approx(0.4)
    assert playback.unplayed_s(2.0) == 0.0


def test_what_was_cleared_is_not_waited_for():
    playback = PlaybackMarks()
    first, second, *_ = send(playback, 0.5, 0.0)
    playback.played(first, 0.0)
    playback.cleared()

    assert playback.unplayed_s(0.2) == 0.0
    assert playback.all_played
    playback.played(second, 0.0)  # comes back because it was cleared
    (mark,) = send(playback, 0.1, 1.0)
    assert playback.unplayed_s(1.0) == pytest.approx(0.1)
    playback.played(mark, 0.0)
    assert playback.unplayed_s(1.1) == pytest.approx(0.0)


def test_between_two_marks_the_client_plays_on():
    playback = PlaybackMarks()
    assert playback.unconfirmed_s(0.0) == 0.0
    marks = send(playback, 0.5, 0.0)
    playback.played(marks[1], 0.25)
    assert playback.unplayed_s(0.31) == pytest.approx(0.3)
    assert playback.unconfirmed_s(0.31) == pytest.approx(0.24)
    assert playback.unconfirmed_s(0.9) == 0.0
