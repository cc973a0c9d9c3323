from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.audio.fifo import SampleFifo


def block(*values: int, channels: int = 1) -> np.ndarray:
    return np.repeat(np.array([values], np.int16), channels, axis=0)


def test_blocks_are_joined_and_cut():
    fifo = SampleFifo(2)
    fifo.push(block(1, 2, 3, channels=2))
    fifo.push(block(4, 5, channels=2))
    assert len(fifo) == 5
    assert fifo.pop(1).tolist() == [[1], [1]]
    assert fifo.pop(3).tolist() == [[2, 3, 4]] * 2
    assert len(fifo) == 1
    assert fifo.pop(1).tolist() == [[5], [5]]
    assert len(fifo) == 0


def test_a_whole_block_comes_out_as_it_went_in():
    fifo = SampleFifo(1)
    first, second = block(1, 2), block(3, 4)
    fifo.push(first)
    fifo.push(second)
    assert fifo.pop(2) is first
    assert fifo.pop_padded(2) is second


def test_too_few_samples():
    fifo = SampleFifo(1)
    fifo.push(block(1, 2))
    with pytest.raises(ValueError, match="Cannot pop 3 samples: there are 2"):
        fifo.pop(3)
    assert fifo.pop_padded(4).tolist() == [[1, 2, 0, 0]]
    assert fifo.pop_padded(2).tolist() == [[0, 0]]
    assert len(fifo) == 0


@pytest.mark.parametrize("n", [-1, -100])
def test_negative_lengths(n):
    fifo = SampleFifo(1)
    fifo.push(block(1))
    for method in (fifo.pop, fifo.pop_padded, fifo.push_front_silence):
        with pytest.raises(ValueError):
            method(n)
    assert len(fifo) == 1


def test_nothing():
    fifo = SampleFifo(2)
    fifo.push(np.zeros((2, 0), np.int16))
    fifo.push_front_silence(0)
    assert len(fifo) == 0
    assert fifo.pop(0).shape == fifo.pop_padded(0).shape == (2, 0)
    fifo.push(block(1, channels=2))
    assert fifo.pop(0).shape == (2, 0)
    assert len(fifo) == 1


def test_silence_in_front_of_what_is_left():
    fifo = SampleFifo(1)
    fifo.push(block(1, 2, 3))
    fifo.pop(1)
    fifo.push_front_silence(2)
    assert len(fifo) == 4
    assert fifo.pop(4).tolist() == [[0, 0, 2, 3]]


def test_clear():
    fifo = SampleFifo(1)
    fifo.push(block(1, 2))
    fifo.clear()
    assert len(fifo) == 0
    assert fifo.pop_padded(1).tolist() == [[0]]


@pytest.mark.parametrize(
    "wrong",
    [np.zeros(3, np.int16), np.zeros((2, 3), np.int16), np.zeros((1, 3), np.float32)],
)
def test_other_blocks_are_refused(wrong):
    fifo = SampleFifo(1)
    with pytest.raises(ValueError, match=r"int16 of shape \(1, n\)"):
        fifo.push(wrong)
    with pytest.raises(ValueError, match="channels must be at least 1"):
        SampleFifo(0)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("push"), st.integers(0, 30)),
            st.tuples(st.just("front"), st.integers(0, 10)),
            st.tuples(st.just("pop"), st.integers(0, 40)),
            st.tuples(st.just("padded"), st.integers(0, 40)),
        )
    ),
    st.integers(1, 2),
)
def test_it_is_like_a_list(steps, channels):
    fifo, model, value = SampleFifo(channels), [], 0
    for what, n in steps:
        if what == "push":
            values = list(range(value, value + n))
            value += n
            fifo.push(block(*values, channels=channels) if n else np.zeros((channels, 0), np.int16))
            model += values
        elif what == "front":
            fifo.push_front_silence(n)
            model = [0] * n + model
        elif what == "pop" and n > len(model):
            with pytest.raises(ValueError):
                fifo.pop(n)
        else:
            popped = (fifo.pop if what == "pop" else fifo.pop_padded)(n)
            expected = (model + [0] * n)[:n]
            model = model[n:]
            assert popped.dtype == np.int16
            assert popped.tolist() == [expected] * channels
        assert len(fifo) == len(model)


def test_a_long_block_costs_no_more_than_short_ones():
    fifo = SampleFifo(1)
    fifo.push(np.zeros((1, 48000 * 600), np.int16))  # ten minutes
    begin = time.perf_counter()
    while len(fifo):
        fifo.pop(960)
    assert time.perf_counter() - begin < 1  # 30,000 pops: some 20 ms; copying the rest: minutes
