"""Stretches of speech from probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.pause_detection.silero import SileroVadOptions
from fastrtc.pause_detection.timestamps import speech_timestamps

W = 512
BARE = {"min_speech_duration_ms": 0, "min_silence_duration_ms": 0, "speech_pad_ms": 0}


def found(*levels: tuple[float, int], window=W, short=0, **options) -> list[tuple[int, int]]:
    """The stretches, in windows, of a trace given as probabilities and how many windows each."""
    trace = np.concatenate([np.full(count, level, np.float32) for level, count in levels])
    chunks = speech_timestamps(
        trace, window, trace.size * window - short, SileroVadOptions(**{**BARE, **options})
    )
    return [(chunk["start"] / window, chunk["end"] / window) for chunk in chunks]


def test_nothing_in_nothing():
    assert speech_timestamps(np.empty(0, np.float32), W, 0, SileroVadOptions()) == []
    assert found((0, 10)) == []


def test_speech_begins_at_the_threshold():
    assert found((0.49, 5), (0.5, 5), (0, 5)) == [(5, 10)]
    assert found((0.49, 5), (0.5, 5), (0, 5), threshold=0.6) == []


def test_speech_goes_on_until_it_is_well_below_the_threshold():
    assert found((0, 2), (0.6, 2), (0.36, 5), (0.34, 2)) == [(2, 9)]
    assert found((0, 2), (0.6, 2), (0.49, 5), (0.34, 2), threshold=0.6) == [(2, 9)]


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.15])
def test_a_low_threshold_still_knows_silence(threshold: float):
    assert found((0, 2), (0.6, 2), (0, 2), threshold=threshold) == [(2, 4)]


def test_short_speech_is_left_out():
    levels = (0, 5), (0.9, 4), (0, 5), (0.9, 5), (0, 5)
    assert found(*levels) == [(5, 9), (14, 19)]
    assert found(*levels, min_speech_duration_ms=128) == [(14, 19)]  # 4 windows: not longer


def test_short_silence_is_part_of_the_speech():
    levels = (0.9, 5), (0, 4), (0.9, 5), (0, 5), (0.9, 5), (0, 9)
    assert found(*levels, min_silence_duration_ms=100) == [(0, 14), (19, 24)]
    assert found(*levels, min_silence_duration_ms=200) == [(0, 24)]


def test_silence_at_the_end_counts_until_it_is_long_enough():
    assert found((0, 5), (0.9, 5), (0, 4), min_silence_duration_ms=100) == [(5, 14)]
    assert found((0, 5), (0.9, 5), (0, 5), min_silence_duration_ms=100) == [(5, 10)]


def test_speech_may_last_to_the_end_of_the_audio():
    assert found((0, 5), (0.9, 5), short=100) == [(5, (10 * W - 100) / W)]
    assert found((0.9, 5), (0, 1), speech_pad_ms=400, short=100) == [(0, (6 * W - 100) / W)]


def test_padding_is_shared_where_there_is_too_little_silence():
    levels = (0, 20), (0.9, 5), (0, 40), (0.9, 5), (0, 6), (0.9, 5), (0, 20)
    assert found(*levels, speech_pad_ms=160) == [(15, 30), (60, 73), (73, 86)]


def test_long_speech_is_split_at_the_last_silence():
    levels = (0.9, 10), (0, 6), (0.9, 10), (0, 6), (0.9, 10), (0, 3), (0.9, 20), (0, 99)
    options = {"min_silence_duration_ms": 1000}
    assert found(*levels, **options) == [(0, 65)]
    assert found(*levels, **options, max_speech_duration_s=1.6) == [(0, 26), (32, 65)]
    assert found(*levels, **options, max_speech_duration_s=0.96) == [(0, 26), (32, 62), (62, 65)]


def test_long_speech_without_silence_is_cut_and_nothing_is_lost():
    pieces = found((0, 3), (0.9, 100), (0, 5), max_speech_duration_s=0.96)
    assert pieces == [(3, 33), (33, 63), (63, 93), (93, 103)]


def test_long_speech_leaves_room_for_its_padding():
    pieces = found((0, 50), (0.9, 200), (0, 50), max_speech_duration_s=2, speech_pad_ms=320)
    assert pieces[0] == (40, 92)
    assert all(end - start <= 62.5 for start, end in pieces)


def test_a_maximum_that_leaves_no_room_at_all():
    assert found((0.9, 3), (0, 9), max_speech_duration_s=0.1, speech_pad_ms=400)[0] == (0, 1)


def test_silence_at_the_end_does_not_make_speech_too_long():
    levels = (0.9, 20), (0, 30)
    options = {"min_silence_duration_ms": 2000, "max_speech_duration_s": 1}
    assert found(*levels, **options) == [(0, 20)]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 20)), max_size=20),
    st.builds(
        SileroVadOptions,
        threshold=st.floats(0.1, 0.9),
        min_speech_duration_ms=st.integers(0, 500),
        max_speech_duration_s=st.one_of(st.just(math.inf), st.floats(0.1, 5)),
        min_silence_duration_ms=st.integers(0, 2000),
        speech_pad_ms=st.integers(0, 500),
    ),
    st.integers(0, W - 1),
)
def test_chunks_are_in_order_within_the_audio_and_cover_what_is_loud(levels, options, short):
    trace = np.repeat(
        np.array([level for level, _ in levels], np.float32), [count for _, count in levels]
    )
    length = max(0, trace.size * W - short)
    chunks = speech_timestamps(trace, W, length, options)

    edges = [edge for chunk in chunks for edge in (chunk["start"], chunk["end"])]
    assert edges == sorted(edges)
    assert all(0 <= edge <= length and type(edge) is int for edge in edges)
    assert all(chunk["start"] < chunk["end"] for chunk in chunks)
    if options.min_speech_duration_ms == 0:
        covered = np.zeros(length, bool)
        for chunk in chunks:
            covered[chunk["start"] : chunk["end"]] = True
        loud = np.repeat(trace.astype(float) >= options.threshold, W)[:length]
        assert covered[loud].all()
