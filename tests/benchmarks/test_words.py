"""How many words of a transcript are wrong."""

import pytest

from benchmarks.words import word_error_rate


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("one two three four", "one two three four", 0),
        ("One, two; three: four.", "one TWO three -- four!", 0),
        ("one two three four", "one three four", 1),
        ("one two three four", "one two two three four", 1),
        ("one two three four", "one to three four", 1),
        ("one two three four", "two three four five", 2),
        ("one two three four", "", 4),
        ("one two three four", "five six seven eight nine ten", 6),
        ("it's ten o'clock sharp", "it\N{RIGHT SINGLE QUOTATION MARK}s ten o'clock, sharp", 0),
    ],
)
def test_words_left_out_put_in_and_replaced_count(said: str, heard: str, wrong: int):
    assert word_error_rate(said, heard) == wrong / 4


def test_a_recognizer_that_repeats_itself_gets_more_wrong_than_was_said():
    assert word_error_rate("no matter", "no matter " * 4) == 3


def test_where_nothing_was_said_there_is_no_rate():
    with pytest.raises(ValueError, match="nothing was said"):
        word_error_rate(" ... ", "hello")
