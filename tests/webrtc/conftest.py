"""What the tests with two peers share: traces of states, and an eye on the log."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fastrtc.session.session import Session
from fastrtc.transport.webrtc._aiortc import consent


class _Traced:
    """Stands in for `Session.state` and notes each value."""

    def __init__(self, trace: dict[str, list[str]]) -> None:
        self.trace = trace

    def __set__(self, session: Any, state: Any) -> None:
        session.__dict__["state"] = state
        self.trace.setdefault(session.id, []).append(state.value)

    def __get__(self, session: Any, owner: Any = None) -> Any:
        return session.__dict__["state"]


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The states that each session went through, by its id."""
    trace: dict[str, list[str]] = {}
    monkeypatch.setattr(Session, "state", _Traced(trace), raising=False)
    return trace


@pytest.fixture
def fast_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that vanishes is missed within three seconds."""
    monkeypatch.setattr(consent, "CONSENT_INTERVAL_S", 0.25)
    monkeypatch.setattr(consent, "CONSENT_EXPIRES_S", 2.5)


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Callable[[], list[logging.LogRecord]]:
    """Gives what was logged as an error; a test that does not ask for it must log none."""
    return lambda: _errors(caplog)


@pytest.fixture(autouse=True)
def no_errors_logged(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Fail a test in whose course an error was logged, by us, asyncio or aiortc."""
    yield
    if "errors" in request.fixturenames:
        return
    logged = [
        f"{record.name}: {record.getMessage()}\n{record.exc_text or ''}"
        for record in _errors(caplog)
    ]
    if logged:
        pytest.fail(f"{len(logged)} error(s) logged:\n" + "\n".join(logged), pytrace=False)


def _errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
