"""The utterances of recorded speech, with many options, beside those of FastRTC 0.0.34.

`make_utterances.py` made the file that they are compared with. Both sides have the same model.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fastrtc.pause_detection.silero import SileroVADModel, SileroVadOptions
from fastrtc.reply_on_pause import AlgoOptions, ReplyOnPause
from fastrtc.turns.vad_options import decides_in_blocks
from tests.turns.make_utterances import (
    FRAME,
    PATH,
    RATE,
    SETS,
    SPOKEN,
    Noting,
    Samples,
    conversations,
    reply_of,
    utterances,
)

Utterances = list[tuple[int, int]]

REFERENCE = json.loads(PATH.read_text())
IN_BLOCKS = ["all of the chunk", "most of the chunk", "half of a short chunk", "much to begin"]
AS_IT_COMES = [name for name in SETS if name not in IN_BLOCKS]


def of_reference(name: str) -> dict[str, Utterances]:
    heard = REFERENCE[name]["heard"]
    return {what: [*map(tuple, found["utterances"])] for what, found in heard.items()}


def here(name: str, samples: Samples, model: Any, **more: float) -> Utterances:
    """The utterances that a `ReplyOnPause` with the options of a set makes, without pre-roll."""
    algo, vad = SETS[name]
    said: list[Samples] = []
    handler = ReplyOnPause(
        reply_of(said),
        algo_options=AlgoOptions(**algo, pre_roll_s=0, **more),
        model_options=SileroVadOptions(**vad),
        model=model,
        input_sample_rate=RATE,
    )
    return utterances(handler, said, samples)


@pytest.fixture(scope="module")
def model() -> SileroVADModel:
    return SileroVADModel()


@pytest.fixture(scope="module")
def heard() -> dict[str, Samples]:
    return conversations()


def test_the_file_is_of_these_options() -> None:
    assert len(SETS) >= 20
    assert {name: (found["algo"], found["vad"]) for name, found in REFERENCE.items()} == SETS
    assert all([*found["heard"]] == [*SPOKEN] for found in REFERENCE.values())


def test_options_that_only_make_sense_in_blocks_are_these() -> None:
    assert [name for name, (algo, _) in SETS.items() if decides_in_blocks(AlgoOptions(**algo))] == (
        IN_BLOCKS
    )


@pytest.mark.parametrize("name", SETS)
def test_blocks_are_asked_and_decided_on_as_by_the_reference(name: str) -> None:
    for what, expected in of_reference(name).items():
        found = REFERENCE[name]["heard"][what]
        script = iter(found["speech_s"])
        model = Noting(lambda audio, options, script=script: (next(script), []))
        silence = np.zeros(len(found["speech_s"]) * found["block"] + FRAME, np.int16)
        assert here(name, silence, model) == expected
        assert model.blocks == [(found["block"], speech_s) for speech_s in found["speech_s"]]


@pytest.mark.external("recorded-voices")
@pytest.mark.parametrize("name", SETS)
def test_a_hop_of_a_chunk_gives_the_utterances_of_the_reference(
    name: str, model: SileroVADModel, heard: dict[str, Samples]
) -> None:
    hop_s = SETS[name][0].get("audio_chunk_duration", AlgoOptions.audio_chunk_duration)
    found = {what: here(name, heard[what], model, hop_s=hop_s) for what in SPOKEN}
    assert found == of_reference(name)


@pytest.mark.external("recorded-voices")
@pytest.mark.parametrize("name", IN_BLOCKS)
def test_so_do_options_that_only_make_sense_in_blocks(
    name: str, model: SileroVADModel, heard: dict[str, Samples]
) -> None:
    assert {what: here(name, heard[what], model) for what in SPOKEN} == of_reference(name)


@pytest.mark.external("recorded-voices")
@pytest.mark.parametrize("name", AS_IT_COMES)
def test_audio_that_is_followed_has_an_utterance_for_each_sentence_and_ends_it_sooner(
    name: str, model: SileroVADModel, heard: dict[str, Samples]
) -> None:
    """The reference cuts some in two; a longer one is cut by a maximum here, too."""
    algo, _ = SETS[name]
    chunk = round(algo.get("audio_chunk_duration", 0.6) * RATE)
    sooner = []
    for what, expected in of_reference(name).items():
        found = here(name, heard[what], model)
        if "max_continuous_speech_s" in algo:
            assert abs(len(found) - len(expected)) <= 1
            assert all(end - start <= 1.8 * RATE + 2 * FRAME for start, end in found)
            continue
        sentences = sum(isinstance(part, str) for part in SPOKEN[what]) - (what == "hesitation") * 2
        assert len(found) == sentences
        assert len(expected) >= len(found)
        for start, end in found:
            parts = [part for part in expected if start - chunk < part[0] < end]
            assert start < parts[0][0] + chunk, "it has the first word"
            assert end < parts[-1][1] + 0.5 * chunk
            sooner.append((parts[-1][1] - end) / RATE)
    assert not sooner or np.mean(sooner) > 0, "on average"


def ends(samples: Samples, model: SileroVADModel, algo: AlgoOptions, **vad: float) -> list[float]:
    """When utterances end, in seconds."""
    said: list[Samples] = []
    options = SileroVadOptions(**vad)
    handler = ReplyOnPause(
        reply_of(said),
        algo_options=algo,
        model_options=options,
        model=model,
        input_sample_rate=RATE,
    )
    return [end / RATE for _, end in utterances(handler, said, samples)]


@pytest.mark.external("recorded-voices")
def test_a_handler_counts_bursts_silence_and_padding_as_its_options_say(
    model: SileroVADModel, heard: dict[str, Samples]
) -> None:
    samples = heard["numbers"]
    patient = AlgoOptions(audio_chunk_duration=1.0, speech_threshold=0.6)
    bare = ends(samples, model, patient)
    assert len(bare) == 4
    assert ends(samples, model, patient, min_speech_duration_ms=100) == bare
    assert ends(samples, model, patient, min_speech_duration_ms=5000) == []
    silent = ends(samples, model, patient, min_silence_duration_ms=800)
    assert np.subtract(silent, bare) == pytest.approx(0.4, abs=0.1)
    padded = ends(samples, model, patient, speech_pad_ms=200)
    assert np.subtract(padded, bare) == pytest.approx(0.2, abs=0.1)


@pytest.mark.external("recorded-voices")
def test_options_that_are_set_later_count_from_then_on(
    model: SileroVADModel, heard: dict[str, Samples]
) -> None:
    samples = heard["numbers"]
    said: list[Samples] = []
    handler = ReplyOnPause(reply_of(said), model=model, input_sample_rate=RATE)
    assert len(utterances(handler, said, samples)) == 4
    handler.model_options = SileroVadOptions(min_speech_duration_ms=5000)
    assert utterances(handler, said, samples) == []
    handler.model_options.min_speech_duration_ms = 250
    handler.algo_options = AlgoOptions(hop_s=0.6, pre_roll_s=0)
    lengths = {end - start for start, end in utterances(handler, said, samples)}
    assert {length % round(0.6 * RATE) for length in lengths} == {0}
    handler.algo_options.hop_s = None
    handler.algo_options.pre_roll_s = 0.3
    assert len(utterances(handler, said, samples)) == 4
