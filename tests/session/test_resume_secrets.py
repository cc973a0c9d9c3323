"""The secret of a session is replaced by each resume, and old ones are worth nothing."""

import pytest

from fastrtc.session import resume_secrets
from fastrtc.session.resume_secrets import ResumeSecrets, refuse_unknown


def test_only_the_secret_of_the_session_is_accepted():
    secrets, other = ResumeSecrets(), ResumeSecrets()
    secret = secrets.issue()

    assert secrets.accepts(secret)
    for wrong in (other.issue(), secret[:-1], secret + "a", "", "\ud800", secret.swapcase()):
        assert not secrets.accepts(wrong)


def test_the_presented_secret_is_valid_until_the_connection_is_established():
    secrets = ResumeSecrets()
    first = secrets.issue()
    second = secrets.replace(first)
    assert secrets.accepts(first)  # the answer with the second may be lost
    assert secrets.accepts(second)

    secrets.established()

    assert not secrets.accepts(first)
    assert secrets.accepts(second)


@pytest.mark.parametrize("presented", [0, 1])
def test_a_client_whose_attempt_failed_may_present_either(presented: int):
    secrets = ResumeSecrets()
    first = secrets.issue()
    known = (first, secrets.replace(first))

    third = secrets.replace(known[presented])

    assert secrets.accepts(known[presented])
    assert secrets.accepts(third)
    assert not secrets.accepts(known[1 - presented])


def test_each_refusal_compares_as_much(monkeypatch: pytest.MonkeyPatch):
    compared: list[bool] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append(len(a) == len(b) == 32)
        return a == b

    monkeypatch.setattr(resume_secrets.hmac, "compare_digest", compare)
    secrets = ResumeSecrets()
    secret = secrets.issue()
    counts = []
    for ask in (secrets.accepts, refuse_unknown):
        for text in ("x", "x" * 100, secret[:-1]):
            compared.clear()
            assert not ask(text)
            assert all(compared)
            counts.append(len(compared))
    assert set(counts) == {2}
