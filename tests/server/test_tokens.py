"""Tokens: signed, for one connection, for a while, and without state on the server."""

import base64
import json
from typing import Any

import pytest

from fastrtc.core.errors import Unauthorized
from fastrtc.core.identity import Headers
from fastrtc.server import tokens as module
from fastrtc.server.tokens import EXPIRED, GRACE_S, INVALID, PREFIX, USED, Tokens, find_token

SECRET = "a secret of the tests"


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(SECRET, clock=clock)


def refused(call: Any, reason: str) -> None:
    with pytest.raises(Unauthorized) as error:
        call()
    assert error.value.reason == reason


def test_a_token_says_who_it_is(tokens: Tokens) -> None:
    claims = tokens.verify(tokens.issue({"id": 7, "name": "Ænna"}, {"plan": "pro"}))
    assert claims.user == {"id": 7, "name": "Ænna"} and claims.metadata == {"plan": "pro"}
    claims = tokens.verify(tokens.issue())
    assert claims.user is None and claims.metadata == {}


def test_it_is_made_of_characters_for_urls_and_subprotocols(tokens: Tokens) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    for number in range(50):
        assert set(tokens.issue(f"user {number} ÿ?>")) <= allowed


def test_other_processes_accept_it_and_other_secrets_do_not(tokens: Tokens, clock: Clock) -> None:
    token = tokens.issue("anna")
    assert Tokens(SECRET.encode(), clock=clock).verify(token).user == "anna"
    refused(lambda: Tokens(SECRET + "!", clock=clock).verify(token), INVALID)


def test_it_expires(tokens: Tokens, clock: Clock) -> None:
    token = tokens.issue(ttl=30)
    clock.now += 29
    use = tokens.verify(token).use
    clock.now += 2
    refused(lambda: tokens.verify(token), EXPIRED)
    refused(lambda: tokens.redeem(use, "a"), EXPIRED)


def test_it_is_for_one_connection(tokens: Tokens, clock: Clock) -> None:
    token = tokens.issue()
    tokens.redeem(tokens.verify(token).use, "a")
    use = tokens.verify(token).use  # of the candidates of the same connection
    refused(lambda: tokens.redeem(use, "a"), USED)
    clock.now += GRACE_S + 30
    assert tokens.verify(token).use == use, "and of late ones"


def test_the_attempt_that_is_replaced_may_have_used_it(tokens: Tokens) -> None:
    use = tokens.verify(tokens.issue()).use
    tokens.redeem(use, "over-webrtc")
    refused(lambda: tokens.redeem(use, "socket", "another"), USED)
    tokens.redeem(use, "socket", "over-webrtc")
    refused(lambda: tokens.redeem(use, "third", "over-webrtc"), USED)


def test_used_ones_are_forgotten(
    tokens: Tokens, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_USED", 10)
    for _ in range(100):
        tokens.redeem(tokens.verify(tokens.issue(ttl=1)).use, "a")
        clock.now += GRACE_S / 5
    assert len(tokens._used) <= 10
    first = tokens.verify(tokens.issue(ttl=5)).use
    tokens.redeem(first, "a")
    for _ in range(10):
        tokens.redeem(tokens.verify(tokens.issue(ttl=50)).use, "a")
    assert len(tokens._used) == 10 and first.nonce not in tokens._used


def forged(tokens: Tokens) -> list[str]:
    token = tokens.issue("anna")
    body, _, mac = token.removeprefix(PREFIX).rpartition(".")
    content = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = base64.urlsafe_b64encode(json.dumps({**content, "u": "root"}).encode()).decode()
    return [
        "",
        PREFIX,
        PREFIX + ".",
        f"{PREFIX}{body}.",
        f"{PREFIX}{other.rstrip('=')}.{mac}",
        token[:-1],
        token + "A",
        token.upper(),
        token.removeprefix(PREFIX),
        f"{PREFIX}{body}.{mac}\n",
        f"{PREFIX}{body}.ä",
        f"{PREFIX}.{mac}",
        "a" * 100_000,
        PREFIX + "a" * 9000,
    ]


def test_forged_ones_are_refused_without_a_hint(tokens: Tokens) -> None:
    for token in forged(tokens):
        refused(lambda token=token: tokens.verify(token), INVALID)


@pytest.mark.parametrize("ttl", [0, -1, float("inf"), float("nan"), True, "60", None])
def test_the_lifetime_is_checked(tokens: Tokens, ttl: Any) -> None:
    with pytest.raises(ValueError, match="ttl must be a positive number"):
        tokens.issue(ttl=ttl)


def test_what_is_too_large_or_no_json_is_refused(tokens: Tokens) -> None:
    with pytest.raises(ValueError, match="8192 characters"):
        tokens.issue("a" * 8000)
    with pytest.raises(ValueError, match="metadata may have"):
        tokens.issue(metadata={"a": "x" * 20_000})
    with pytest.raises(TypeError):
        tokens.issue(object())


def test_secrets_are_long_enough() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes, not 5"):
        Tokens("short")
    with pytest.raises(TypeError, match="a string or bytes, not int"):
        Tokens(12345678901234567890)  # type: ignore[arg-type]


def test_it_is_found_in_the_header_the_url_and_the_subprotocols(tokens: Tokens) -> None:
    token = tokens.issue()
    for headers, query in (
        ([("Authorization", f"Bearer {token}")], {}),
        ([("authorization", f"bearer   {token} ")], {}),
        ([], {"token": token}),
        ([("Sec-WebSocket-Protocol", f"fastrtc, {token}")], {}),
        ([("Authorization", "Bearer of-another-service")], {"token": token}),
    ):
        assert find_token(Headers(headers), query) == token
    for headers, query in (
        ([("Authorization", f"Basic {token}")], {}),
        ([("Authorization", "Bearer eyJhbGciOi")], {"token": "other"}),
        ([("Sec-WebSocket-Protocol", "graphql-ws")], {}),
    ):
        assert find_token(Headers(headers), query) is None
