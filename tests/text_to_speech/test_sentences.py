import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.text_to_speech import SentenceSplitter
from fastrtc.text_to_speech.sentences import MAX_SENTENCE, halves, split_text
from tests.text_to_speech.sentence_examples import EXAMPLES


def marked(example: str) -> tuple[str, list[str]]:
    """The text of an example, and its sentences: a bar is where one ends."""
    return example.replace("|", ""), [part.strip() for part in example.split("|")]


def streamed(text: str, sizes: list[int]) -> list[str]:
    """The sentences of a text that comes in pieces of these sizes, again and again."""
    splitter = SentenceSplitter()
    sentences: list[str] = []
    position = 0
    for size in itertools.cycle(sizes):
        if position >= len(text):
            return sentences + splitter.flush()
        sentences += splitter.push(text[position : position + size])
        position += size
    raise AssertionError("never reached")


@pytest.mark.parametrize("example", EXAMPLES)
def test_sentences(example: str) -> None:
    text, sentences = marked(example)
    assert list(split_text(text, 200)) == sentences


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("example", EXAMPLES)
def test_sentences_of_text_that_comes_in_pieces(example: str, size: int) -> None:
    text, sentences = marked(example)
    assert streamed(text, [size]) == sentences


def test_text_without_anything_to_say() -> None:
    assert list(split_text(" \n ", 200)) == list(split_text("", 200)) == []


@pytest.mark.parametrize(
    ("pieces", "sentences"),
    [
        (["One moment.", " "], [0, 1]),  # whatever follows
        (["That is it. ", "T"], [0, 1]),  # no lower-case letter
        (["What? ", "T"], [0, 1]),
        (["He lives in the U.S. ", "The", " "], [0, 0, 1]),  # not "Theodore"
        (["Well... ", "I", "t"], [0, 0, 1]),
        (["The end.", "\n"], [0, 1]),
        (["你好。", "再"], [0, 1]),  # no other stop, and no quotation mark
    ],
)
def test_a_sentence_is_returned_as_soon_as_it_is_certain(pieces, sentences) -> None:
    splitter = SentenceSplitter()
    assert [len(splitter.push(piece)) for piece in pieces] == sentences
    splitter.flush()
    assert splitter.flush() == []


def test_a_splitter_begins_anew_after_a_flush() -> None:
    splitter = SentenceSplitter()
    splitter.push("Upper case. And")
    splitter.flush()
    assert [*splitter.push("one. two."), *splitter.flush()] == ["one.", "two."]


@pytest.mark.parametrize("thing", [None, b"Hello.", 5, ["Hello."]])
def test_only_strings_are_text(thing) -> None:
    with pytest.raises(TypeError, match=f"must be a string, not {type(thing).__name__}"):
        SentenceSplitter().push(thing)


def test_a_long_sentence_is_cut_where_a_speaker_pauses() -> None:
    text = "when it rains and nobody is about, the garden is quiet; even the birds are."
    assert list(split_text(text, 50)) == [
        "when it rains and nobody is about,",
        "the garden is quiet; even the birds are.",
    ]


def test_without_pauses_between_words_and_without_words_anywhere() -> None:
    assert list(split_text("one two three four", 10)) == ["one two", "three four"]
    assert list(split_text("abcdefgh", 4)) == ["abcd", "efgh"]


ANY = st.text(alphabet="abIZ. .,!?\n…。、-\"”»(5'é¿ ", max_size=200)


@given(ANY, st.integers(1, 40))
def test_pieces_fit_and_nothing_is_lost(text: str, longest: int) -> None:
    pieces = list(split_text(text, longest))
    assert all(0 < len(piece) <= longest and piece == piece.strip() for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(ANY, st.integers(1, 60), st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_pieces_of_the_text_make_no_difference(text: str, times: int, sizes: list[int]) -> None:
    text *= times  # also more than the longest sentence
    splitter = SentenceSplitter()
    assert streamed(text, sizes) == splitter.push(text) + splitter.flush()


HOSTILE = [
    *(".", ". ", " .", "a.", "A. ", "1. ", "e.g.", "e.g. ", ".»", " »", '"', '."', ".'\" ", "¿ "),
    *("a", "a ", " ", "\u00a0", "'", "(", "( ", "!?", "…", "。", "。」", "-", ", ", "\r", "u.s. A"),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_work_grows_with_the_length_of_the_text_only(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    started = time.thread_time()  # of this thread, however busy the machine is
    whole = list(split_text(text, 200))
    splitter = SentenceSplitter()
    longest = 0
    for position in range(0, len(text), 4):
        splitter.push(text[position : position + 4])
        longest = max(longest, len(splitter._text))
    assert longest < MAX_SENTENCE + 200  # what is kept, and searched again, is bounded
    assert time.thread_time() - started < 5  # 0.5 s; a square takes 10 or more
    assert "".join("".join(whole).split()) == "".join(text.split())


def test_what_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="cannot be split"):
        halves(" a ")
