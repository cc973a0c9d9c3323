"""ChunkedTurnDetector of audio, and what of them belongs to an utterance."""

import numpy as np
import pytest

from fastrtc.turns.chunked_detector import MAX_CHUNKS, ChunkedTurnDetector
from fastrtc.turns.options import AlgoOptions
from fastrtc.turns.state import AppState

RATE = 100
CHUNK = 60
OPTIONS = AlgoOptions(pre_roll_s=0.1)
PATIENT = AlgoOptions(pre_roll_s=0.1, min_interruption_s=0.8)


def push(
    blocks: ChunkedTurnDetector,
    *speech_s: float,
    options: AlgoOptions = OPTIONS,
    replying: bool = False,
) -> list[list[int] | None]:
    """Which blocks (by number) an utterance has from before each of these."""
    befores = []
    for speech in speech_s:
        block = np.full(CHUNK, len(befores), np.int16)
        before = blocks.begin(block, speech, RATE, options, replying)
        befores.append(None if before is None else before[:: round(0.1 * RATE)].tolist())
    return befores


def test_enough_speech_starts_one_with_the_pre_roll() -> None:
    assert push(ChunkedTurnDetector(), 0.2, 0.1, 0.3) == [None, None, [1]]


def test_there_may_be_no_pre_roll() -> None:
    assert push(ChunkedTurnDetector(), 0.3) == [[]]
    assert push(ChunkedTurnDetector(), 0.0, 0.3, options=AlgoOptions(pre_roll_s=0)) == [None, []]


def test_an_interruption_takes_more_and_has_the_blocks_that_it_took() -> None:
    befores = push(ChunkedTurnDetector(), 0.0, 0.0, 0.5, 0.6, options=PATIENT, replying=True)
    assert befores == [None, None, None, [1, *[2] * 6]]


def test_what_is_too_little_to_interrupt_is_over_with_the_reply() -> None:
    blocks = ChunkedTurnDetector()
    assert push(blocks, 0.0, 0.5, options=PATIENT, replying=True) == [None, None]
    assert push(blocks, 0.1, 0.3, options=PATIENT) == [None, [0]]


def test_speech_long_ago_does_not_count() -> None:
    befores = push(ChunkedTurnDetector(), 0.5, 0.0, 0.5, 0.0, 0.5, options=PATIENT, replying=True)
    assert befores == [None] * 5


def test_without_a_reply_it_takes_as_little_as_ever() -> None:
    assert push(ChunkedTurnDetector(), 0.0, 0.3, options=PATIENT) == [None, [0]]


def test_what_is_forgotten_is_no_pre_roll() -> None:
    blocks = ChunkedTurnDetector()
    push(blocks, 0.0, 0.1)
    blocks.forget()
    assert push(blocks, 0.3) == [[]]


@pytest.mark.parametrize("seconds", [1e6, float("inf")])
def test_never_is_never_and_keeps_little(seconds: float) -> None:
    blocks, options = ChunkedTurnDetector(), AlgoOptions(min_interruption_s=seconds)
    assert push(blocks, *[0.6] * 300, options=options, replying=True) == [None] * 300
    assert len(blocks._latest) <= MAX_CHUNKS + 1


def test_an_utterance_grows_until_the_pause() -> None:
    blocks, state = ChunkedTurnDetector(), AppState()
    lengths = []
    for speech in (0.0, 0.3, 0.6, 0.0):
        block = np.zeros(CHUNK, np.int16)
        paused = blocks.pause(block, speech, RATE, state, OPTIONS, False)
        lengths.append((paused, 0 if state.stream is None else len(state.stream)))
    assert lengths == [(False, 0), (False, 70), (False, 130), (True, 190)]
