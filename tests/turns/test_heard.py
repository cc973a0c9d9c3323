"""The texts of a reply, up to where it was interrupted."""

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc import AdditionalOutputs, Interruption, Speech
from fastrtc.testing import Call
from fastrtc.turns.heard import SpokenText
from tests.testing.programs import RATE, Tones, replying, tone

FIRST, SECOND = "The cafe opens at nine.", "On Sundays it opens at ten o'clock."


def spoken(*parts: tuple[float, str | None], ended: bool = True) -> SpokenText:
    made = SpokenText()
    for seconds, text in parts:
        made.add(seconds, text)
    if ended:
        made.end()
    return made


@pytest.mark.parametrize(
    ("played_s", "heard"),
    [
        (0.0, ""),
        (0.05, ""),
        (1.0, "The cafe"),
        (2.0, FIRST),
        (2.1, FIRST),
        (3.5, f"{FIRST} On Sundays it"),
        (5.0, f"{FIRST} {SECOND}"),
        (9.0, f"{FIRST} {SECOND}"),
    ],
)
def test_whole_sentences_and_the_share_of_the_last(played_s: float, heard: str) -> None:
    reply = spoken((2.0, FIRST), (3.0, SECOND))
    assert reply.heard(played_s) == heard
    assert reply.text == f"{FIRST} {SECOND}"


def test_a_text_in_several_chunks() -> None:
    reply = spoken((0.5, FIRST), (0.5, ""), (1.0, ""), (1.0, SECOND))
    assert reply.heard(1.0) == "The cafe"
    assert reply.heard(2.0) == FIRST


def test_audio_without_words_takes_its_time() -> None:
    reply = spoken((1.0, None), (2.0, FIRST), (5.0, None), (3.0, SECOND))
    assert reply.heard(1.0) == ""
    assert reply.heard(2.0) == "The cafe"
    assert reply.heard(8.0) == FIRST
    assert reply.heard(11.0) == f"{FIRST} {SECOND}"


def test_a_continuation_of_nothing_is_audio_without_words() -> None:
    assert spoken((1.0, ""), (2.0, FIRST)).heard(3.0) == FIRST
    assert spoken((2.0, FIRST), (1.0, None), (1.0, "")).heard(2.0) == FIRST


def test_the_beginning_of_a_text_that_is_still_being_synthesized() -> None:
    long = " ".join(["word"] * 100)
    reply = spoken((0.5, long), ended=False)
    assert reply.heard(0.5) == "word word word"
    reply.add(29.5, "")
    assert reply.heard(15.0) == " ".join(["word"] * 50)
    assert spoken((0.5, "Yes."), ended=False).heard(0.5) == "Yes."


def test_languages_without_spaces_are_cut_between_characters() -> None:
    reply = spoken((2.0, "你好世界今天"), (1.0, "再见。"))
    assert reply.heard(1.0) == "你好世"
    assert reply.heard(3.0) == "你好世界今天再见。"


def test_pieces_with_their_own_spaces_are_not_spaced_again() -> None:
    assert spoken((1, "The "), (1, "cafe"), (1, " opens\n"), (1, "at nine.")).text == (
        "The cafe opens\nat nine."
    )


@given(st.lists(st.tuples(st.floats(0.01, 5), st.none() | st.text(max_size=30))), st.floats(0, 30))
def test_more_is_heard_the_longer_it_plays(parts, played_s) -> None:
    reply = spoken(*parts)
    heard = reply.heard(played_s)
    assert reply.text.startswith(heard)
    assert len(reply.heard(played_s + 1)) >= len(heard)
    assert reply.heard(1000) == reply.text


def test_an_interruption_is_the_number_of_seconds() -> None:
    interruption = spoken((2.0, FIRST), (3.0, SECOND)).interruption(3.5)
    assert interruption == 3.5 == interruption.played_s
    assert interruption.heard_text == f"{FIRST} On Sundays it"
    assert interruption.text == f"{FIRST} {SECOND}"
    assert f"{interruption:.1f}" == "3.5" and json.dumps(interruption) == "3.5"
    assert "On Sundays it" in repr(interruption)
    for again in (copy.deepcopy(interruption), pickle.loads(pickle.dumps(interruption))):
        assert again == 3.5 and again.heard_text == interruption.heard_text
    assert Interruption(1.0).heard_text == ""


def phone_voice(seconds: float) -> tuple[int, np.ndarray]:
    return 8000, tone(seconds, rate=8000).astype(np.float32) / 32768


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_caller_interrupts_in_the_second_sentence(is_async: bool) -> None:
    """With conversions, other outputs and audio without a text between them."""
    stereo = np.stack([tone(3.0)] * 2)
    outputs = (
        (Speech(*phone_voice(2.0), text=FIRST), AdditionalOutputs(1)),
        AdditionalOutputs(2),
        (RATE, tone(0.5)),
        Speech(RATE, stereo, SECOND),
        Speech(RATE, tone(3.0), "Never heard."),
    )
    interruptions: list[Interruption] = []

    def reply(audio: Any) -> Any:
        yield from outputs

    async def async_reply(audio: Any) -> Any:
        for output in outputs:
            yield output

    stream = replying(async_reply if is_async else reply, on_interrupt=interruptions.append)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one two three")
        begun = await call.reply()
        await call.say("two two", at=begun.starts_s + 4)
        await call.finish()
    (interruption,) = interruptions
    assert interruption == pytest.approx(4.0, abs=0.3)
    assert interruption.heard_text in (f"{FIRST} On Sundays it", f"{FIRST} On Sundays it opens")
    assert interruption.text == f"{FIRST} {SECOND} Never heard."


async def test_audio_without_texts() -> None:
    interruptions: list[Interruption] = []

    def reply(audio: Any) -> Any:
        yield RATE, tone(5.0)

    stream = replying(reply, on_interrupt=interruptions.append)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one two three")
        begun = await call.reply()
        await call.say("two two", at=begun.starts_s + 1)
        await call.finish()
    assert [one.heard_text for one in interruptions] == [""]
    assert interruptions == [pytest.approx(1.0, abs=0.3)]
