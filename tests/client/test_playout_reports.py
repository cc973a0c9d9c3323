"""What the client reports about the delay of audio: without a server."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fastrtc.client.playout_reports import PlayoutReports


def question(number: Any) -> dict[str, Any]:
    return {"type": "report_heard", "data": {"n": number}}


def created() -> tuple[PlayoutReports, list[dict[str, Any]]]:
    """Return reports at the time 5, and what is sent."""
    sent: list[dict[str, Any]] = []
    return PlayoutReports(lambda text: sent.append(json.loads(text)), lambda: 5.0), sent


def connected() -> tuple[PlayoutReports, list[dict[str, Any]]]:
    reports, sent = created()
    reports.open()
    return reports, sent


def heard(number: int, delay_s: Any) -> dict[str, Any]:
    return {"type": "heard", "data": {"n": number, "delay_s": delay_s}}


def test_a_question_is_answered_at_once_and_when_its_audio_was_taken() -> None:
    reports, sent = connected()
    reports.played(5.0, 5.0 + 0.3)
    assert sent == []  # before any question
    reports.ask(question(1))
    assert sent == [heard(1, None)]
    reports.played(5.0, 5.0 + 0.1)
    reports.played(5.0, 5.0 + 0.2)
    assert sent == [heard(1, None), heard(1, pytest.approx(0.1))]
    reports.ask(question(2))
    reports.played(5.0, 5.0 + 0.05)
    assert sent[2:] == [heard(2, pytest.approx(0.1)), heard(2, pytest.approx(0.05))]


def test_audio_from_before_the_question_is_not_that_of_the_reply() -> None:
    """A program that reads nothing between two replies gets the silence after the first one."""
    reports, sent = connected()
    reports.ask(question(1))
    reports.played(3.0, 5.0)
    assert sent == [heard(1, None)]
    reports.played(4.99, 5.03)  # just before the question, which may come on another way
    assert sent[1:] == [heard(1, pytest.approx(0.04))]


def test_what_a_server_does_not_accept_is_not_known() -> None:
    reports, sent = connected()
    for delay_s in (10.5, -0.1, float("nan")):
        reports.ask(question(1))
        reports.played(5.0, 5.0 + delay_s)
    assert sent == [heard(1, None)] * 6


def test_a_question_before_the_client_is_connected_is_answered_then() -> None:
    reports, sent = created()
    reports.ask(question(1))
    assert sent == []
    reports.open()
    assert sent == [heard(1, None)]


def test_nothing_is_sent_after_the_end() -> None:
    reports, sent = connected()
    late: list[Callable[[], None]] = []
    reports.carry = late.append
    reports.ask(question(1))
    reports.end()
    reports.ask(question(2))
    reports.played(5.0, 5.0 + 0.1)
    for deliver in late:
        deliver()
    assert sent == []


def test_malformed_questions_are_ignored() -> None:
    reports, sent = connected()
    for message in ({"type": "report_heard"}, question("1"), question(None)):
        reports.ask(message)
    reports.played(5.0, 5.0 + 0.1)
    assert sent == []
