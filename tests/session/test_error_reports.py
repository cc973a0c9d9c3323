"""Exceptions of user code reach the log and the client, and flood neither."""

import json
import logging

import pytest

from fastrtc.core.errors import HandlerKeepsFailing, WebRTCError
from fastrtc.core.messages import error_message
from fastrtc.session.error_reports import MAX_SHOWN, REPEAT_S, ErrorReports


class Client:
    """What a client sees, and the time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[str] = []
        self.reports = ErrorReports("me", self.sent.append, lambda: self.now)

    @property
    def texts(self) -> list[str]:
        return [json.loads(message)["data"] for message in self.sent]


def raised(error: Exception) -> Exception:
    """An exception with a traceback."""
    try:
        raise error
    except Exception as caught:
        return caught


def test_an_exception_is_logged_with_its_traceback_and_shown(caplog):
    client = Client()
    client.reports.report(raised(ValueError("broken")))
    client.reports.report(raised(KeyError()))

    first, _ = caplog.records
    assert first.getMessage() == "Session me: the handler failed"
    assert first.exc_info[1].args == ("broken",)
    assert client.texts == ["broken", "KeyError"]


def test_that_it_keeps_failing_is_logged_without_a_traceback(caplog):
    client = Client()
    client.reports.report(raised(HandlerKeepsFailing("emit has failed 9 times")))

    (record,) = caplog.records
    assert record.getMessage() == "Session me ends: emit has failed 9 times"
    assert not record.exc_info
    assert client.texts == ["emit has failed 9 times"]


def test_an_exception_of_frames_is_logged_and_shown_once(caplog):
    client = Client()
    for _ in range(100):
        client.reports.report_failure("emit", raised(ValueError("broken")))

    (record,) = caplog.records
    assert record.getMessage() == "Session me: emit failed"
    assert client.texts == ["broken"]


def test_those_of_different_places_and_callbacks_are_logged_each(caplog):
    client = Client()
    client.reports.report_failure("emit", raised(ValueError("broken")))
    client.reports.report_failure("receive", raised(ValueError("broken")))
    try:
        raise ValueError("broken")
    except ValueError as error:
        client.reports.report_failure("emit", error)

    assert len(caplog.records) == 3
    assert client.texts == ["broken"]


def test_what_is_remembered_of_them_is_bounded(caplog):
    client = Client()
    for number in range(1000):
        kind = type(f"Error{number}", (Exception,), {})
        client.reports.report_failure("emit", raised(kind(f"frame {number}")))

    assert len(client.sent) == MAX_SHOWN
    assert len(caplog.records) == MAX_SHOWN + 1  # all others have one line in common


def test_a_message_of_a_webrtc_error_that_repeats_is_shown_again_after_a_while():
    client = Client()
    error = raised(WebRTCError("Speak up"))  # outside of a connection: nothing was shown
    error.told = True
    message = error_message("Speak up")
    for _ in range(3):
        client.reports.show(message)
        client.reports.report_failure("emit", error)
    assert client.texts == ["Speak up"]

    client.now += REPEAT_S
    client.reports.show(message)
    assert client.texts == ["Speak up"] * 2


def test_other_messages_are_shown_each_time():
    client = Client()
    for _ in range(2):
        client.reports.show(error_message("Speak up"))
    assert client.texts == ["Speak up"] * 2


def test_after_the_end_failures_of_frames_do_not_concern_the_client(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG)
    client = Client()
    client.reports.close()
    client.reports.report_failure("emit", raised(ValueError("broken")))
    client.reports.show(error_message("Speak up"))

    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.DEBUG,
        "Session me: emit failed while closing",
    )
    assert client.sent == []
