import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.text_to_speech.sentences import halves, split_text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello.", ["Hello."]),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("He said “Go!” Then he left.", ["He said “Go!”", "Then he left."]),
        ("Wait... what?! No…  Yes", ["Wait...", "what?!", "No…", "Yes"]),
        ("It is 3.14, at fastrtc.org.", ["It is 3.14, at fastrtc.org."]),
        ("Dr. Smith met J. Doe, e.g. here. Then?", ["Dr. Smith met J. Doe, e.g. here.", "Then?"]),
        ("first line\nsecond line\n\nthird", ["first line", "second line", "third"]),
        ("你好。再见！好", ["你好。", "再见！", "好"]),
        (" \n ", []),
        ("", []),
    ],
)
def test_sentences(text: str, pieces: list[str]) -> None:
    assert list(split_text(text, 200)) == pieces


def test_a_long_sentence_is_cut_where_a_speaker_pauses() -> None:
    text = "when it rains and nobody is about, the garden is quiet; even the birds are."
    assert list(split_text(text, 50)) == [
        "when it rains and nobody is about,",
        "the garden is quiet; even the birds are.",
    ]


def test_without_pauses_between_words_and_without_words_anywhere() -> None:
    assert list(split_text("one two three four", 10)) == ["one two", "three four"]
    assert list(split_text("abcdefgh", 4)) == ["abcd", "efgh"]


@given(st.text(alphabet="ab .,!?\n…。、-", max_size=200), st.integers(1, 40))
def test_pieces_fit_and_nothing_is_lost(text: str, longest: int) -> None:
    pieces = list(split_text(text, longest))
    assert all(0 < len(piece) <= longest and piece == piece.strip() for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_what_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="cannot be cut"):
        halves(" a ")
