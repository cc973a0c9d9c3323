"""The lists of abbreviations are written as they are looked up."""

import pytest

from fastrtc.text_to_speech import abbreviations

LISTS = {name: getattr(abbreviations, name) for name in abbreviations.__all__}


@pytest.mark.parametrize("name", LISTS)
def test_words_are_lower_case_without_their_last_stop(name: str) -> None:
    assert LISTS[name]
    assert {word for word in LISTS[name] if word != word.lower() or word.endswith(".")} == set()


@pytest.mark.parametrize("name", sorted(set(LISTS) - {"NEVER_END"}))
def test_what_never_ends_a_sentence_is_in_no_other_list(name: str) -> None:
    assert LISTS["NEVER_END"] & LISTS[name] == set()
