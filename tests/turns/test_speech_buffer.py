from __future__ import annotations

import logging
import random
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.turns.detector import TurnDetector
from fastrtc.turns.events import MaximumReached, Pause
from fastrtc.turns.options import AlgoOptions
from fastrtc.turns.speech_buffer import SpeechBuffer

RATE = 1000


def ramp(begin: int, end: int) -> np.ndarray:
    """Samples that say where they are."""
    return np.arange(begin, end).astype(np.int16)


def filled(seconds: float, pre_roll_s: float = 0.3, chunk: int = 20) -> SpeechBuffer:
    buffer = SpeechBuffer(RATE, pre_roll_s)
    for begin in range(0, round(seconds * RATE), chunk):
        buffer.push(ramp(begin, begin + chunk))
    return buffer


def test_an_utterance_has_its_pre_roll():
    utterance = filled(2.0).utterance(1.0)
    assert utterance.dtype == np.int16
    assert utterance.shape == (1, 1300)
    assert utterance.flags.c_contiguous
    np.testing.assert_array_equal(utterance[0], ramp(700, 2000))


def test_an_utterance_may_end_before_the_latest_audio():
    np.testing.assert_array_equal(filled(2.0).utterance(1.005, 1.507)[0], ramp(705, 1507))


def test_the_pre_roll_is_as_much_as_there_is():
    np.testing.assert_array_equal(filled(1.0).utterance(0.1)[0], ramp(0, 1000))


@pytest.mark.parametrize(("onset", "end"), [(9.0, None), (0.9, 0.1), (0.0, 0.0)])
def test_an_utterance_of_nothing_is_empty(onset: float, end: float | None):
    utterance = filled(1.0).utterance(onset, end)
    assert utterance.shape == (1, 0)
    assert utterance.dtype == np.int16


def test_an_empty_buffer_has_an_empty_utterance():
    buffer = SpeechBuffer(RATE)
    assert buffer.utterance(0.0).shape == (1, 0)
    assert (len(buffer), buffer.start_s, buffer.end_s) == (0, 0.0, 0.0)


@pytest.mark.parametrize("shape", [(20,), (1, 20)])
def test_both_shapes_are_taken_and_copied(shape: tuple[int, ...]):
    buffer = SpeechBuffer(RATE)
    samples = ramp(0, 20).reshape(shape)
    buffer.push(samples)
    samples[:] = -1
    np.testing.assert_array_equal(buffer.utterance(0.0)[0], ramp(0, 20))


def test_an_utterance_is_a_copy():
    buffer = filled(0.02)
    buffer.utterance(0.0)[:] = -1
    np.testing.assert_array_equal(buffer.utterance(0.0)[0], ramp(0, 20))


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(20, np.float32),
        np.zeros((2, 20), np.int16),
        np.zeros((1, 1, 20), np.int16),
        np.int16(3) * np.ones((), np.int16),
    ],
)
def test_other_arrays_are_refused(samples: np.ndarray):
    with pytest.raises(ValueError, match=r"int16 of shape \(n,\) or \(1, n\), not"):
        SpeechBuffer(RATE).push(samples)


@pytest.mark.parametrize("arguments", [(0,), (RATE, 0.3, 0), (RATE, 0.3, 1, 0.0)])
def test_impossible_buffers_are_refused(arguments: tuple[float, ...]):
    with pytest.raises(ValueError, match="Cannot buffer"):
        SpeechBuffer(*arguments)  # type: ignore[arg-type]


def test_keep_from_leaves_the_pre_roll():
    buffer = filled(5.0)
    buffer.keep_from(4.0)
    assert (len(buffer), buffer.start_s, buffer.end_s) == (1300, 3.7, 5.0)
    np.testing.assert_array_equal(buffer.utterance(0.0)[0], ramp(3700, 5000))
    np.testing.assert_array_equal(buffer.utterance(4.5)[0], ramp(4200, 5000))


def test_forget_leaves_nothing_before():
    buffer = filled(5.0)
    buffer.forget(4.007)
    np.testing.assert_array_equal(buffer.utterance(4.1)[0], ramp(4007, 5000))
    buffer.keep_from(1.0)  # what is gone does not come back
    assert len(buffer) == 993


def test_clear_forgets_and_time_goes_on():
    buffer = filled(5.0)
    buffer.clear()
    assert (len(buffer), buffer.start_s, buffer.end_s) == (0, 5.0, 5.0)
    buffer.push(ramp(5000, 5020))
    np.testing.assert_array_equal(buffer.utterance(5.0)[0], ramp(5000, 5020))


def test_what_has_not_come_cannot_be_forgotten():
    buffer = filled(1.0)
    buffer.forget(60.0)
    buffer.push(ramp(1000, 1020))
    np.testing.assert_array_equal(buffer.utterance(1.0)[0], ramp(1000, 1020))


def test_an_endless_utterance_loses_its_oldest_with_one_warning(caplog: pytest.LogCaptureFixture):
    buffer = SpeechBuffer(RATE, max_kept_s=2.0)
    with caplog.at_level(logging.WARNING):
        for begin in range(0, 10_000, 20):
            buffer.push(ramp(begin, begin + 20))
            assert len(buffer) <= 2000
    np.testing.assert_array_equal(buffer.utterance(0.0)[0], ramp(8000, 10_000))
    (record,) = caplog.records
    assert record.getMessage() == "An utterance is longer than 2 s; its beginning is dropped"


def test_ten_minutes_are_kept_by_default():
    buffer = SpeechBuffer(RATE)
    for _ in range(61):
        buffer.push(np.zeros(10 * RATE, np.int16))
    assert len(buffer) == 600 * RATE


def test_interleaved_channels_are_not_cut_apart():
    buffer = SpeechBuffer(RATE, 0.1, channels=2, max_kept_s=0.4)
    for begin in range(0, 1000, 30):
        left = ramp(begin, begin + 30)
        buffer.push(np.stack((left, -left), axis=1).reshape(1, -1))
    assert buffer.end_s == 1.02
    assert len(buffer) == 400
    utterance = buffer.utterance(0.801, 0.903).reshape(-1, 2)
    np.testing.assert_array_equal(utterance[:, 0], ramp(701, 903))
    np.testing.assert_array_equal(utterance[:, 1], -ramp(701, 903))
    with pytest.raises(ValueError, match=r"\(1, 2 n\)"):
        buffer.push(ramp(0, 3))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("push"), st.integers(0, 50)),
            st.tuples(st.just("forget"), st.integers(0, 400)),
            st.tuples(st.just("keep_from"), st.integers(0, 400)),
            st.tuples(st.just("utterance"), st.integers(0, 400)),
        ),
        max_size=40,
    )
)
def test_it_is_one_array_of_which_the_beginning_is_forgotten(steps: list[tuple[str, int]]):
    buffer, pre_roll, most = SpeechBuffer(RATE, 0.02, max_kept_s=0.2), 20, 200
    start = end = 0
    for step, amount in steps:
        if step == "push":
            buffer.push(ramp(end, end + amount))
            end += amount
            start = max(start, end - most)
        elif step == "forget":
            buffer.forget(amount / RATE)
            start = min(max(start, amount), end)
        elif step == "keep_from":
            buffer.keep_from(amount / RATE)
            start = min(max(start, amount - pre_roll), end)
        else:
            expected = ramp(max(start, amount - pre_roll), end)
            np.testing.assert_array_equal(buffer.utterance(amount / RATE)[0], expected)
        assert len(buffer) == end - start


def test_a_push_costs_the_same_however_much_there_is():
    buffer = SpeechBuffer(48_000)
    chunk = np.zeros(960, np.int16)
    for _ in range(20_000):
        buffer.push(chunk)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        buffer.push(chunk)
        most = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert most < 3 * chunk.nbytes


def test_silence_is_forgotten():
    """An hour without a word: at most a murmur, the chunk and the pre-roll are kept."""
    detector, buffer = TurnDetector(), SpeechBuffer(16_000)
    window, noise = np.zeros(512, np.int16), random.Random(5)
    for _ in range(3600 * 16_000 // 512):
        buffer.push(window)
        detector.push(0.9 if noise.random() < 0.05 else 0.1)
        buffer.keep_from(detector.needed_from_s)
        assert len(buffer) <= (0.2 + 0.6 + 0.3) * 16_000 + 512


@pytest.mark.parametrize("seed", range(5))
def test_a_conversation_is_cut_into_utterances_that_have_every_word_once(seed: int):
    """As a handler does it: audio runs ahead of the detector by a few windows."""
    chance = random.Random(seed)
    flags, words = [False] * 20, []
    for _ in range(60):
        length = chance.randint(8, 200)
        words.append((len(flags) * 32, (len(flags) + length) * 32))
        flags += [True] * length + [False] * chance.randint(2, 60)
    flags += [False] * 40
    detector = TurnDetector(AlgoOptions(max_continuous_speech_s=3.0))
    buffer = SpeechBuffer(RATE)
    heard, utterances = np.zeros(len(flags) * 32 + RATE, np.int64), []
    for number in range(len(flags) + 3):
        buffer.push(ramp(number * 32, (number + 1) * 32))
        if number < 3:
            continue
        event = detector.push(0.9 if flags[number - 3] else 0.1)
        if isinstance(event, Pause | MaximumReached):
            utterance = buffer.utterance(event.onset_s, event.at_s)[0].astype(np.uint16)
            begin = int(np.int64(round(event.at_s * RATE)) - utterance.size)
            np.testing.assert_array_equal(
                utterance, np.arange(begin, begin + utterance.size) % 65536
            )
            heard[begin : begin + utterance.size] += 1
            utterances.append(event)
            buffer.forget(event.end_s)
        buffer.keep_from(detector.needed_from_s)
    assert len(utterances) > 20
    for begin, end in words:
        assert heard[begin:end].max() == 1
    for before, after in pairwise(utterances):
        assert before.end_s <= after.onset_s
    # what is in no utterance is less than starts one: the rest after a cut at the maximum
    missed = [(begin, end) for begin, end in words if heard[begin:end].min() == 0]
    assert all((heard[begin:end] == 0).sum() <= 200 + 32 for begin, end in missed)
