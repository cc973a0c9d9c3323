"""A sliding window for models that judge clips of audio."""

import math

import numpy as np
import pytest

from fastrtc.turns.options import AlgoOptions
from fastrtc.turns.windowed_segmenter import WindowedSegmenter

RATE = 8000
FRAME = 160


class Loudness:
    """Takes loud samples for speech, and keeps the lengths of what it judged."""

    def __init__(self) -> None:
        self.judged_s: list[float] = []

    def __call__(self, rate: int, samples: np.ndarray) -> float:
        assert samples.ndim == 1 and samples.dtype == np.int16
        self.judged_s.append(samples.size / rate)
        return float((np.abs(samples) > 500).sum() / rate)


def talk(*seconds: float) -> np.ndarray:
    """Silence and speech by turns; each sample of the speech tells where it is."""
    parts = [np.full(round(s * RATE), 1000 * (k % 2)) for k, s in enumerate(seconds)]
    return (np.concatenate(parts)).astype(np.int16)


def listen(
    samples: np.ndarray, replying: bool = False, frame: int = FRAME, **options: float
) -> tuple[list[float], list[tuple[float, np.ndarray]]]:
    """Return when utterances began, and when they ended with their audio."""
    segmenter = WindowedSegmenter(AlgoOptions(hop_s=0.1, **options), Loudness(), RATE)  # type: ignore
    started, said = [], []
    for begin in range(0, samples.size, frame):
        segment = segmenter.hear(RATE, samples[np.newaxis, begin : begin + frame], replying)
        now_s = (begin + frame) / RATE
        if segment.started:
            started.append(round(now_s, 3))
        if segment.said is not None:
            said.append((round(now_s, 3), segment.said))
    return started, said


def test_the_model_judges_the_latest_chunk_every_hop():
    model = Loudness()
    segmenter = WindowedSegmenter(AlgoOptions(hop_s=0.1), model, RATE)
    segmenter.hear(RATE, talk(1.0)[np.newaxis], False)
    assert model.judged_s == [0.6] * 10


def test_an_utterance_comes_whole_and_once_with_its_pre_roll():
    started, [(ended_s, said)] = listen(talk(1.0, 1.0, 1.5))
    assert started == [1.3]  # more than 0.2 s of speech
    assert 2.5 <= ended_s <= 2.7
    assert (said > 0).sum() == RATE
    first = int(np.flatnonzero(said[0])[0]) / RATE
    assert 0.3 <= first <= 0.6  # the window begins before the speech, and the pre-roll before it


def test_it_decides_sooner_than_chunks_do():
    for shift in np.linspace(0, 0.6, 7):
        (_, [(ended_s, _)]) = listen(talk(1.0 + float(shift), 1.0, 1.5))
        assert 0.45 <= ended_s - 2.0 - shift <= 0.7


@pytest.mark.parametrize("frame", [80, 160, 4000, 40000])
def test_the_size_of_the_frames_does_not_matter(frame: int):
    (_, [(_, said)]) = listen(talk(1.0, 1.0, 1.5, 0.0), frame=frame)
    (_, [(_, expected)]) = listen(talk(1.0, 1.0, 1.5))
    assert np.array_equal(said, expected)


def test_two_utterances_share_no_audio():
    samples = talk(0.5, 0.8, 0.8, 0.8, 1.0)
    _, said = listen(samples)
    assert sum(int((one > 0).sum()) for _, one in said) == round(1.6 * RATE)
    assert len(said) == 2


def test_an_utterance_is_cut_at_its_maximum_and_goes_on():
    started, said = listen(talk(0.5, 5.0, 1.0), max_continuous_speech_s=2.0)
    assert len(started) == len(said) == 3
    assert sum(int((one > 0).sum()) for _, one in said) == 5 * RATE


def test_speech_over_a_reply_must_be_longer():
    short, long = talk(0.5, 0.5, 1.0), talk(0.5, 1.2, 1.0)
    assert listen(short, replying=True, min_interruption_s=0.8)[0] == []
    assert listen(long, replying=True, min_interruption_s=0.8)[0] != []
    assert listen(long, replying=True, min_interruption_s=math.inf)[0] == []


def test_an_unfinished_utterance_can_be_taken():
    segmenter = WindowedSegmenter(AlgoOptions(hop_s=0.1), Loudness(), RATE)
    assert segmenter.take() is None
    segmenter.hear(RATE, talk(0.5, 0.5)[np.newaxis], False)
    said = segmenter.take()
    assert said is not None and (said > 0).sum() == RATE // 2
    assert segmenter.take() is None


def test_it_tells_whether_the_client_speaks():
    segmenter = WindowedSegmenter(AlgoOptions(hop_s=0.1), Loudness(), RATE)
    assert not segmenter.hears_speech(RATE, talk(0.5)[np.newaxis])
    assert segmenter.hears_speech(RATE, talk(0.0, 0.5)[np.newaxis])
    assert not segmenter.hears_speech(RATE, talk(1.0)[np.newaxis])


def test_options_take_effect_at_once_and_another_rate_starts_anew():
    segmenter = WindowedSegmenter(AlgoOptions(hop_s=0.1), Loudness(), RATE)
    segmenter.set_options(AlgoOptions(hop_s=0.1, started_talking_threshold=0.5), 0.5, None)
    assert not segmenter.hear(RATE, talk(0.0, 0.45)[np.newaxis], False).started
    assert not segmenter.hear(2 * RATE, talk(0.0, 0.45)[np.newaxis], False).started
    assert segmenter.hear(2 * RATE, talk(0.0, 0.8)[np.newaxis], False).started


def test_stereo_keeps_its_channels():
    segmenter = WindowedSegmenter(AlgoOptions(hop_s=0.1), Loudness(), RATE, "stereo")
    samples = np.repeat(talk(0.5, 1.0, 1.0), 2)
    segment = segmenter.hear(RATE, samples[np.newaxis], False)
    assert segment.started and segment.said is not None
    assert (segment.said > 0).sum() == 2 * RATE
