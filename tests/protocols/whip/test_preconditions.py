"""Entity tags: what a `PATCH` must have in `If-Match`."""

import re

import pytest

from fastrtc.protocols.whip.preconditions import entity_tag, failed_precondition

TAG = entity_tag("whip-secret")


def test_tags_are_strong_differ_and_do_not_tell_the_id() -> None:
    assert re.fullmatch(r'"[0-9a-f]{16}"', TAG)
    assert entity_tag("whip-other") != TAG == entity_tag("whip-secret")
    assert "secret" not in TAG


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (TAG, None),
        (f' "other", {TAG}', None),
        ("*", None),
        ('"*"', None),
        (None, 428),
        (" ", 428),
        ('"other"', 412),
        (f"W/{TAG}", 412),
        (TAG.strip('"'), 412),
        ("*, *", 412),
    ],
)
def test_what_is_refused(value: str | None, status: int | None) -> None:
    assert failed_precondition(value, TAG) == status
