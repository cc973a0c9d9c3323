"""The diagram of a conversation's states is that of the code."""

from fastrtc.turns.transitions import TABLE, State
from tests.docs import states


def test_the_picture_is_up_to_date() -> None:
    """Update it with `python -m tests.docs.states`."""
    assert states.PICTURE.read_text(encoding="utf-8") == states.picture()


def test_each_transition_is_drawn_or_named() -> None:
    drawn = states.arrows()
    picture = states.picture()
    for row in TABLE:
        assert row.event in states.EVERYWHERE or (row.source, row.target) in drawn
        assert row.event.value in picture
    assert {*states.PLACES} == {*State}
