"""Looking for stop words, with recognisers that answer when the test lets them."""

import logging
import re
import threading

import numpy as np
import pytest

from fastrtc.turns.stop_word_spotter import MAX_WAIT_S, WINDOW_S, StopWordSpotter

RATE = 1000
FRAME = 20
PATIENCE_S = 30.0
OTHER, COMPUTER, QUESTION = 100, 200, 300


class Ears:
    """Hears "computer" where the samples are `COMPUTER`, when it is let."""

    def __init__(self) -> None:
        self.given: list[np.ndarray] = []
        self.may = threading.Semaphore(0)

    def stt(self, audio: tuple[int, np.ndarray]) -> str:
        self.given.append(audio[1])
        assert self.may.acquire(timeout=PATIENCE_S)
        return "computer" if (audio[1] == COMPUTER).sum() > 0.2 * RATE else ""


class Ramp(Ears):
    """Hears nothing, of samples that are numbered."""

    def spans(self) -> list[tuple[int, int]]:
        return [(int(given[0]), int(given[-1]) + 1) for given in self.given]


def level(value: int, seconds: float) -> np.ndarray:
    return np.full(round(seconds * RATE), value, np.int16)


def spotter_of(ears: Ears) -> StopWordSpotter:
    def failed(error: Exception) -> None:
        raise error

    return StopWordSpotter(ears, lambda text: text == "computer", failed, RATE)


def say(spotter: StopWordSpotter, samples: np.ndarray, speaking: bool = True) -> list[np.ndarray]:
    frames = (samples[start : start + FRAME] for start in range(0, samples.size, FRAME))
    return [rest for frame in frames if (rest := spotter.push(frame, speaking)) is not None]


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fastrtc-stop-words"]


def let(ears: Ears, looks: int = 1) -> None:
    """Let it answer that often more, and wait until it has."""
    if looks:
        ears.may.release(looks)
    for thread in threads():
        thread.join(PATIENCE_S)


def until_found(spotter: StopWordSpotter, ears: Ears) -> np.ndarray:
    """Go on until the stop words were found; what follows them."""
    for _ in range(round(PATIENCE_S / 0.02)):
        let(ears, 9)
        if found := say(spotter, level(QUESTION, 0.02)):
            return found[0][0]
    raise AssertionError("they were not found")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]


def test_one_that_hangs_is_asked_once_and_again_when_it_answers(caplog) -> None:
    ears = Ears()
    spotter = spotter_of(ears)
    say(spotter, level(OTHER, 4 * MAX_WAIT_S))
    assert len(ears.given) == len(threads()) == 1
    assert warnings(caplog) == [
        "The stop-word recognizer takes too long: stop words are not detected until it returns"
    ]
    let(ears)
    assert say(spotter, level(COMPUTER, 0.5)) == []
    rest = until_found(spotter, ears)
    assert set(rest) <= {COMPUTER, QUESTION}
    assert all(given.size <= WINDOW_S * RATE for given in ears.given)
    assert len(warnings(caplog)) == 1


def test_what_it_found_too_late_is_nothing() -> None:
    ears = Ears()
    spotter = spotter_of(ears)
    say(spotter, level(COMPUTER, 0.6))
    say(spotter, level(OTHER, MAX_WAIT_S))
    let(ears)
    ears.may.release(99)
    assert say(spotter, level(OTHER, 3)) == []
    let(ears, 0)


def test_a_slow_one_hears_words_that_came_while_it_was_busy(caplog) -> None:
    ears = Ears()
    spotter = spotter_of(ears)
    say(spotter, np.hstack([level(OTHER, 6), level(COMPUTER, 0.6), level(0, 0.4)]))
    say(spotter, level(QUESTION, 9))
    rest = until_found(spotter, ears)
    assert set(rest) == {0, QUESTION}
    assert (rest == QUESTION).sum() >= 9 * RATE
    [warning] = warnings(caplog)
    assert re.fullmatch(
        r"The stop-word recognizer is slow: 1\d\.\d s of audio are waiting for it", warning
    )


@pytest.mark.parametrize("busy_s", [0.1, 1.0, 4.0, 7.0, 12.0])
def test_looks_leave_nothing_out(busy_s: float) -> None:
    ears = Ramp()
    spotter = spotter_of(ears)
    said = np.arange(25 * RATE).astype(np.int16)
    step = round(busy_s * RATE)
    for start in range(0, said.size, step):
        say(spotter, said[start : start + step])
        let(ears)
    while threads() or spotter._waits():
        say(spotter, said[-FRAME:], speaking=False)
        let(ears)
    spans = ears.spans()
    assert spans[0][0] == 0
    for (begin, end), (following, _) in zip(spans, spans[1:], strict=False):
        assert end - begin <= WINDOW_S * RATE
        assert following <= max(0, end - 2 * RATE)


@pytest.mark.parametrize("busy_s", [0.02, 9.0])
def test_silence_between_utterances_is_not_looked_at(caplog, busy_s: float) -> None:
    ears = Ramp()
    spotter = spotter_of(ears)
    silent, busy = 2 * RATE, round((2 + busy_s) * RATE)
    said = np.arange(30 * RATE).astype(np.int16)
    say(spotter, said[:silent])
    say(spotter, said[silent:busy], speaking=False)
    ears.may.release(99)
    for start in range(busy, 20 * RATE, FRAME):
        let(ears, 0)
        say(spotter, said[start : start + FRAME], speaking=False)
    assert ears.spans()[-1][1] <= max(5 * RATE, busy + FRAME)
    before = len(ears.given)
    assert before == 2
    say(spotter, said[20 * RATE : 21 * RATE])
    let(ears)
    assert [begin for begin, _ in ears.spans()[before:]] == [19 * RATE]
    assert warnings(caplog) == []


def test_nor_is_it_after_a_look_that_took_as_long_as_it(caplog) -> None:
    ears = Ramp()
    spotter = spotter_of(ears)
    said = np.arange(30 * RATE).astype(np.int16)
    say(spotter, said[: 2 * RATE])
    say(spotter, said[2 * RATE : 3 * RATE], speaking=False)
    let(ears)
    say(spotter, said[3 * RATE : 12 * RATE], speaking=False)
    say(spotter, said[12 * RATE : 13 * RATE])
    let(ears)
    say(spotter, said[13 * RATE : 13 * RATE + FRAME])
    let(ears)
    assert ears.spans()[2:] == [(8 * RATE + FRAME, 13 * RATE + FRAME)]
    assert warnings(caplog) == []


def test_nor_when_the_speech_is_long_over() -> None:
    ears = Ramp()
    spotter = spotter_of(ears)
    say(spotter, level(OTHER, 2))
    say(spotter, level(0, MAX_WAIT_S + WINDOW_S), speaking=False)
    let(ears)
    say(spotter, level(0, 1), speaking=False)
    assert len(ears.given) == 1


def test_a_look_that_was_forgotten_is_the_only_one() -> None:
    ears = Ears()
    spotter = spotter_of(ears)
    say(spotter, level(COMPUTER, 1))
    spotter.forget()
    say(spotter, level(OTHER, 1))
    assert len(ears.given) == 1
    let(ears)
    assert say(spotter, level(OTHER, 0.02)) == []
    let(ears)
    assert set(ears.given[1]) == {OTHER}
