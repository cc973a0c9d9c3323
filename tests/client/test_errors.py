import pytest

from fastrtc.client.errors import ended_by_server, refused, socket_closed


def test_a_refusal_has_its_code_details_and_advice() -> None:
    meta = {"error": "port_unavailable", "reason": "3478 is in use"}
    error = refused({"status": "failed", "meta": meta})
    assert (error.code, error.meta) == ("port_unavailable", meta)
    assert "3478 is in use" in str(error) and "Ice(" in error.advice


def test_a_detail_of_an_invalid_offer_is_no_code() -> None:
    error = refused({"status": "failed", "meta": {"error": "No common video codec"}})
    assert error.code == "bad_offer" and "No common video codec" in str(error)
    assert refused({"hello": "world"}).code == "not_found"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Time limit reached", "time_limit_reached"),
        ("The server stops", "server_stopping"),
        ("Stream ended", "ended_by_server"),
    ],
)
def test_reasons_of_an_end(reason: str, code: str) -> None:
    error = ended_by_server(reason)
    assert error.code == code and error.meta == {"reason": reason}


@pytest.mark.parametrize(
    ("close_code", "code"),
    [
        (1000, "ended_by_server"),
        (1001, "server_stopping"),
        (1003, "not_supported"),
        (1006, "connection_lost"),
        (1011, "handler_error"),
        (None, "connection_lost"),
    ],
)
def test_close_codes(close_code: int | None, code: str) -> None:
    assert socket_closed(close_code, "why").code == code
