"""Refusals as responses."""

from fastrtc.core.errors import SessionRefused
from fastrtc.protocols.refusals import reason_of, refusal_headers


def test_what_a_client_is_told() -> None:
    assert reason_of(SessionRefused("unauthorized", reason="A token is required.")) == (
        "A token is required."
    )
    assert reason_of(SessionRefused("server_stopping")) == "server_stopping"
    assert refusal_headers(401) == {"WWW-Authenticate": "Bearer"}
    assert refusal_headers(503) == {"Retry-After": "5"} and refusal_headers(404) == {}
