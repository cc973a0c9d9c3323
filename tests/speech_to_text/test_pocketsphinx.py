"""PocketSphinx, with what people recorded for Asterisk."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastrtc.reply_on_stopwords import ReplyOnStopWords
from fastrtc.speech_to_text import PocketSphinxSTT
from tests.support.speech import recorded_prompt

pytestmark = pytest.mark.external("recorded-voices")

RATE = 48_000
PROMPTS = {
    "digits/day-1": "monday",
    "digits/mon-0": "january",
    "digits/mon-9": "october",
    "digits/1": "one",
    "digits/4": "four",
    "digits/10": "ten",
}
OTHERS = ("vm-goodbye", "hello-world", "digits/day-3", "digits/mon-5", "digits/7", "demo-thanks")


@pytest.fixture(scope="module")
def closed() -> PocketSphinxSTT:
    return PocketSphinxSTT([word.title() for word in PROMPTS.values()])


@pytest.fixture(scope="module")
def spotting() -> PocketSphinxSTT:
    return PocketSphinxSTT(["monday", "january"], words_only=False)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_word_that_somebody_says(closed: PocketSphinxSTT, prompt: str) -> None:
    assert closed.stt((RATE, recorded_prompt(prompt))) == PROMPTS[prompt]


@pytest.mark.parametrize("prompt", ["digits/day-1", "digits/mon-0"])
def test_a_word_among_others_and_where_it_is(spotting: PocketSphinxSTT, prompt: str) -> None:
    before, said = recorded_prompt("vm-goodbye"), recorded_prompt(prompt)
    [word] = spotting.stt_words((RATE, np.concatenate([before, said])))
    assert word.text == PROMPTS[prompt]
    assert before.size / RATE <= word.start_s < word.end_s <= (before.size + said.size) / RATE


@pytest.mark.parametrize("prompt", OTHERS)
def test_other_speech_has_none_of_them(spotting: PocketSphinxSTT, prompt: str) -> None:
    assert spotting.stt((RATE, recorded_prompt(prompt))) == ""


def test_silence_and_nothing_have_no_words(spotting: PocketSphinxSTT) -> None:
    assert spotting.stt((RATE, np.zeros(RATE, np.int16))) == ""
    assert spotting.stt((RATE, np.zeros(0, np.int16))) == ""


def test_threads_take_turns(closed: PocketSphinxSTT) -> None:
    audio = [(RATE, recorded_prompt(prompt)) for prompt in PROMPTS] * 2
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(closed.stt, audio)) == list(PROMPTS.values()) * 2


def test_what_was_recognized_before_changes_nothing(spotting: PocketSphinxSTT) -> None:
    quiet = recorded_prompt("digits/day-1") // 40
    words = spotting.stt_words((RATE, quiet))
    assert [word.text for word in words] == ["monday"]
    for prompt in OTHERS[:3]:
        spotting.stt((RATE, recorded_prompt(prompt)))
    assert spotting.stt_words((RATE, quiet)) == words


def test_others_run_while_it_recognizes(spotting: PocketSphinxSTT) -> None:
    """The decoder does not let go of the interpreter's lock by itself."""
    long = np.concatenate([recorded_prompt(prompt) for prompt in OTHERS] * 2)[: 5 * RATE]
    recognizing = threading.Thread(target=spotting.stt, args=((RATE, long),))
    recognizing.start()
    ran = 0
    while recognizing.is_alive():
        time.sleep(0.0005)
        ran += 1
    assert ran > 20  # of 54 pieces


def test_typographic_apostrophes() -> None:
    model = PocketSphinxSTT(["What’s up?", "don't"])
    assert model.phrases == ["what's up", "don't"]
    bot = ReplyOnStopWords(lambda audio: iter([]), ["What’s up?"], stt_model=model)
    assert bot.stop_word_detected(model.phrases[0])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "needs words="),
        ("monday", "a list of words"),
        (["monday", "xyzzyq"], "no pronunciation of xyzzyq"),
        (["42"], "letters of the English alphabet"),
        (["?!"], "letters of the English alphabet"),
    ],
)
def test_words_that_it_cannot_listen_for(words, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        PocketSphinxSTT(words)
