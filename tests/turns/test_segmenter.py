"""A listener with a scripted model: what was said comes out whole, and once."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc.turns.options import AlgoOptions, SpeechRules
from fastrtc.turns.segmenter import GATHERED_S, UtteranceSegmenter, to_mono

RATE = 48000


class Loudness:
    """Takes loud windows for speech."""

    def __init__(self) -> None:
        self.rest = np.zeros(0, np.int16)
        self.resets = 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        self.rest = np.concatenate((self.rest, samples))
        count = len(self.rest) // 512
        windows = self.rest[: count * 512].reshape(count, 512)
        self.rest = self.rest[count * 512 :]
        return (np.abs(windows.astype(int)).mean(axis=1) > 500).astype(np.float32)

    def reset(self) -> None:
        self.resets += 1
        self.rest = self.rest[:0]


def talk(*seconds: float) -> np.ndarray:
    """Silence and speech by turns, beginning with silence."""
    rng = np.random.default_rng(1)
    parts = [rng.integers(-8000, 8000, round(s * RATE)) * (k % 2) for k, s in enumerate(seconds)]
    return np.concatenate(parts).astype(np.int16)


def listen(listener: UtteranceSegmenter, samples: np.ndarray, frame: int = 960) -> tuple[int, list]:
    """How often somebody began to speak, and what was said."""
    started, said = 0, []
    for begin in range(0, len(samples), frame):
        heard = listener.hear(RATE, samples[np.newaxis, begin : begin + frame], False)
        started += heard.started
        if heard.said is not None:
            said.append(heard.said)
    return started, said


def test_what_was_said_comes_whole_and_once() -> None:
    samples = talk(1.0, 1.5, 1.0, 0.8, 1.0)
    started, said = listen(UtteranceSegmenter(AlgoOptions(), Loudness(), RATE), samples)
    assert started == 2 and len(said) == 2
    for utterance, begin, length in zip(said, (1.0, 3.5), (1.5, 0.8), strict=True):
        assert utterance.shape[0] == 1 and utterance.dtype == np.int16
        spoken = samples[round(begin * RATE) : round((begin + length) * RATE)]
        at = np.flatnonzero(utterance[0])[0]
        np.testing.assert_array_equal(
            utterance[0, at : at + len(spoken) - 2],
            spoken[np.flatnonzero(spoken)[0] :][: len(spoken) - 2],
        )
        assert 0.2 <= at / RATE <= 0.35, "the pre-roll"


def test_frames_of_any_length_give_the_same() -> None:
    samples = talk(0.5, 1.0, 1.0, 0.5, 1.0)
    lengths = []
    for frame in (160, 960, 48000, len(samples)):
        _, said = listen(UtteranceSegmenter(AlgoOptions(), Loudness(), RATE), samples, frame)
        lengths.append(sum(utterance.shape[1] for utterance in said))
    assert max(lengths) - min(lengths) <= 0.032 * RATE * 2


def test_what_is_forgotten_is_not_said() -> None:
    model = Loudness()
    listener = UtteranceSegmenter(AlgoOptions(), model, RATE)
    assert listen(listener, talk(0.5, 1.0)) == (1, [])
    listener.forget()
    assert model.resets == 1
    started, said = listen(listener, talk(1.0, 1.0, 1.0))
    assert started == 1
    assert [utterance.shape[1] / RATE < 2.2 for utterance in said] == [True]


def test_stereo_is_mixed_down_and_kept() -> None:
    mono = talk(0.5, 1.0, 1.0)
    stereo = np.repeat(mono, 2)
    listener = UtteranceSegmenter(AlgoOptions(), Loudness(), RATE, "stereo")
    started, said = listen(listener, stereo, 1920)
    assert started == 1 and said[0].shape[1] % 2 == 0
    np.testing.assert_array_equal(to_mono(stereo[np.newaxis], "stereo"), mono)


def test_what_was_said_so_far_can_be_taken() -> None:
    listener = UtteranceSegmenter(AlgoOptions(), Loudness(), RATE)
    samples = talk(0.5, 1.0)
    assert listener.take() is None
    assert listen(listener, samples) == (1, [])
    said = listener.take()
    assert said is not None and said.shape[0] == 1
    assert 1.0 <= said.shape[1] / RATE <= 1.35
    np.testing.assert_array_equal(said[0, -RATE // 2 :], samples[-RATE // 2 :])
    assert listener.take() is None


def test_audio_that_is_not_kept_tells_whether_somebody_speaks() -> None:
    listener = UtteranceSegmenter(AlgoOptions(), Loudness(), RATE)
    heard = []
    for frame in np.split(talk(1.0, 2.0, 1.0), 200):
        heard.append(listener.hears_speech(RATE, frame))
        assert len(listener._buffer) == 0
    changes = np.flatnonzero(np.diff(heard)) * 0.02
    assert changes.tolist() == [pytest.approx(1.2, abs=0.06), pytest.approx(3.5, abs=0.06)]


def test_after_audio_that_was_not_kept_utterances_come_whole() -> None:
    listener = UtteranceSegmenter(AlgoOptions(), Loudness(), RATE)
    for frame in np.split(talk(1.0, 2.0), 150):
        listener.hears_speech(RATE, frame)
    listener.forget()
    samples = talk(0.5, 1.5, 1.0)
    started, [said] = listen(listener, samples)
    assert started == 1
    assert said.shape[1] / RATE == pytest.approx(0.3 + 1.5 + 0.5, abs=0.06)
    spoken = samples[round(0.6 * RATE) : round(1.9 * RATE)]
    at = np.flatnonzero(said[0] == spoken[0])
    assert any(np.array_equal(said[0, k : k + len(spoken)], spoken) for k in at)


def test_a_model_is_woken_seldom_unless_a_decision_is_near() -> None:
    pushes = []

    class Counting(Loudness):
        def push(self, samples: np.ndarray) -> np.ndarray:
            pushes.append(len(samples) / 16_000)
            return super().push(samples)

    def pushed_for(samples: np.ndarray) -> list[float]:
        del pushes[:]
        listen(listener, samples)
        return pushes

    listener = UtteranceSegmenter(AlgoOptions(), Counting(), RATE)
    assert sum(pushed_for(talk(3.2))) == pytest.approx(3.2, abs=0.01)
    assert len(pushes) == 3.2 / GATHERED_S
    assert pushed_for(talk(0, 0.3)) == [0.16, 0.04, 0.02, 0.02]  # speech, after more than 0.2 s
    assert pushed_for(talk(0, 3.2)) == [0.16] * 20
    assert pushed_for(talk(0.6)) == [0.16] * 3 + [0.1, 0.02]  # a pause, after more than 0.5 s


@settings(max_examples=50)  # of up to 14 s of audio, in frames of 10 ms and more
@given(
    lengths=st.lists(st.integers(1, 60), min_size=2, max_size=12),
    frame=st.sampled_from([480, 960, 2880, 9600]),
    threshold=st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.5]),
    low=st.sampled_from([0.0, 0.1, 0.4]),
    most=st.sampled_from([1.0, math.inf]),
    least=st.sampled_from([None, 0.0, 0.1, 0.4]),
    replying=st.booleans(),
    rules=st.sampled_from([None, SpeechRules(0.1, 0.3, 0.3, 0.05), SpeechRules(0.25, 2.0)]),
)
def test_what_is_gathered_is_decided_on_in_time(
    lengths: list[int],
    frame: int,
    threshold: float,
    low: float,
    most: float,
    least: float | None,
    replying: bool,
    rules: SpeechRules | None,
) -> None:
    """Frame by frame, nothing is heard later than by a listener that judges each at once."""
    samples = talk(*(length * 0.02 for length in lengths))
    options = AlgoOptions(
        started_talking_threshold=threshold,
        speech_threshold=low,
        max_continuous_speech_s=most,
        min_interruption_s=least,
    )
    gathering, hasty = (
        UtteranceSegmenter(options, Loudness(), RATE, rules=rules) for _ in range(2)
    )
    hasty._detector.time_to_next_decision_s = lambda replying: 0.0
    for begin in range(0, len(samples), frame):
        part = samples[np.newaxis, begin : begin + frame]
        one, other = (each.hear(RATE, part, replying) for each in (gathering, hasty))
        assert one.started == other.started
        if other.said is None:
            assert one.said is None
        else:
            np.testing.assert_array_equal(one.said, other.said)
