"""Tokens of calls: each is good once, for its call, for a while."""

import pytest

from fastrtc.transport.telephony.call_token import LIFETIME_S, CallTokens


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> CallTokens:
    return CallTokens("secret", clock)


def test_a_token_is_good_once(tokens: CallTokens) -> None:
    token = tokens.issue("CA1")
    assert tokens.redeem(token, "CA1")
    assert not tokens.redeem(token, "CA1")
    assert tokens.redeem(tokens.issue("CA1"), "CA1")


def test_it_is_of_one_call(tokens: CallTokens) -> None:
    token = tokens.issue("CA1")
    assert not tokens.redeem(token, "CA2")
    assert not tokens.redeem(token, "")
    assert tokens.redeem(token, "CA1"), "a wrong try does not use it up"


def test_it_ends(tokens: CallTokens, clock: Clock) -> None:
    late, later = tokens.issue("CA1"), tokens.issue("CA2")
    clock.now += LIFETIME_S - 1
    assert tokens.redeem(late, "CA1")
    clock.now += 2
    assert not tokens.redeem(later, "CA2")
    assert not tokens.redeem(late, "CA1")


def test_used_ones_are_forgotten_when_they_have_ended(tokens: CallTokens, clock: Clock) -> None:
    for number in range(100):
        assert tokens.redeem(tokens.issue(f"CA{number}"), f"CA{number}")
        clock.now += LIFETIME_S / 10
    assert len(tokens._used) <= 11


def test_processes_with_one_secret_know_each_others(clock: Clock, tokens: CallTokens) -> None:
    assert CallTokens("secret", clock).redeem(tokens.issue("CA1"), "CA1")
    assert not CallTokens("other", clock).redeem(tokens.issue("CA1"), "CA1")


@pytest.mark.parametrize(
    "forged",
    ["", ".", "..", "1.2.3", "é", "\ud800", "\ud800.\ud800.\ud800", "\x00", "9e99.a.b", "nan.a.b"],
)
def test_anything_else_is_none(tokens: CallTokens, forged: str) -> None:
    assert not tokens.redeem(forged, "CA1")
    assert not tokens.redeem(tokens.issue("CA1"), forged)
    _, nonce, mac = tokens.issue("CA1").split(".")
    assert not tokens.redeem(f"9999999999.{nonce}.{mac}", "CA1")
