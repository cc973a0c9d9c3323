"""Which rule decides, which speech counts, and which options have no effect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from fastrtc.pause_detection.silero import SileroVADModel, SileroVadOptions
from fastrtc.turns.options import AlgoOptions, SpeechRules
from fastrtc.turns.vad_options import decides_in_blocks, speech_rules, unused_options
from tests.pause_detection.networks import write_network


@pytest.mark.parametrize(
    "options",
    [
        AlgoOptions(),
        AlgoOptions(0.5, 0.1, 0.05),
        AlgoOptions(0.6, 0.5, 0.3),
        AlgoOptions(0.4, speech_threshold=0.1),
        AlgoOptions(1.0, 0.5, 0.5),
        AlgoOptions(2.0),
        AlgoOptions(started_talking_threshold=math.inf),
        AlgoOptions(0.5, 0.2, 0.5, hop_s=0.1),
        AlgoOptions(0.5, 0.2, 0.5, hop_s=0),
    ],
)
def test_audio_is_followed_as_it_comes(options: AlgoOptions):
    assert not decides_in_blocks(options)


@pytest.mark.parametrize(
    "options",
    [
        AlgoOptions(hop_s=0.6),
        AlgoOptions(hop_s=2.0),
        AlgoOptions(0.5, 0.2, 0.5),
        AlgoOptions(0.5, 0.2, 0.21),
        AlgoOptions(speech_threshold=0.5),
        AlgoOptions(speech_threshold=math.inf),
        AlgoOptions(started_talking_threshold=0.51),
        AlgoOptions(0.3),
        AlgoOptions(0),
    ],
)
def test_what_only_makes_sense_in_blocks_is_decided_in_blocks(options: AlgoOptions):
    assert decides_in_blocks(options)


@pytest.mark.parametrize(
    "options",
    [
        None,
        object(),
        SileroVadOptions(),
        SileroVadOptions(0.7),
        SileroVadOptions(min_silence_duration_ms=2000, max_speech_duration_s=3.0),
    ],
)
def test_defaults_make_no_rules(options: object):
    assert speech_rules(options) is None


def test_what_is_given_makes_rules():
    assert speech_rules(SileroVadOptions(min_speech_duration_ms=100)) == SpeechRules(0.1, 2.0)
    assert speech_rules(SileroVadOptions(min_silence_duration_ms=500)) == SpeechRules(
        0.25, joined_s=0.5, counted_silence_s=0.5
    )
    assert speech_rules(SileroVadOptions(speech_pad_ms=30)) == SpeechRules(0.25, 2.0, pad_s=0.03)
    assert speech_rules(SileroVadOptions(0.5, 0, math.inf, 0, 512, 0)) == SpeechRules()


def test_a_subclass_with_other_defaults_gives_those():
    @dataclass
    class Eager(SileroVadOptions):
        min_speech_duration_ms: int = 50

    assert speech_rules(Eager()) == SpeechRules(0.05, 2.0)


@pytest.mark.parametrize("name", ["min_speech_duration_ms", "speech_pad_ms"])
@pytest.mark.parametrize("value", [None, -1, math.nan, "250"])
def test_what_is_no_duration_is_refused_by_name(name: str, value: object):
    with pytest.raises(ValueError, match=f"{name} must be a number of milliseconds, not"):
        speech_rules(SileroVadOptions(**{name: value}))


class Own:
    def vad(self, audio, options):
        return 0.0, []

    def warmup(self): ...


class OwnSilero(SileroVADModel):
    def __init__(self): ...  # without a network

    def vad(self, audio, options):
        return 0.0, []


@pytest.fixture(scope="module")
def silero() -> SileroVADModel:
    return SileroVADModel()


def unused(model, in_blocks: bool, algo: AlgoOptions | None = None, **options) -> list[str]:
    reasons = unused_options(algo or AlgoOptions(), SileroVadOptions(**options), model, in_blocks)
    return [reason.partition("=")[0] for reason in reasons]


@pytest.mark.parametrize(
    ("in_blocks", "options", "named"),
    [
        (False, {}, []),
        (True, {}, []),
        (False, {"min_speech_duration_ms": 900, "speech_pad_ms": 30, "threshold": 0.6}, []),
        (False, {"min_silence_duration_ms": 600}, []),
        (False, {"min_silence_duration_ms": 601}, ["min_silence_duration_ms"]),
        (True, {"min_silence_duration_ms": 601}, ["min_silence_duration_ms"]),
        (False, {"window_size_samples": 512}, []),
        (False, {"window_size_samples": 1536}, ["window_size_samples"]),
        (True, {"window_size_samples": 1536}, ["window_size_samples"]),
        (False, {"max_speech_duration_s": 0.3}, ["max_speech_duration_s"]),
        (True, {"max_speech_duration_s": 0.3}, []),
        (True, {"max_speech_duration_s": 0.6}, ["max_speech_duration_s"]),
        (True, {"min_speech_duration_ms": 600}, ["min_speech_duration_ms"]),
        (
            False,
            {"window_size_samples": 768, "max_speech_duration_s": 9},
            ["window_size_samples", "max_speech_duration_s"],
        ),
    ],
)
def test_options_that_change_nothing_are_named(
    silero: SileroVADModel, in_blocks: bool, options: dict, named: list[str]
):
    assert unused(silero, in_blocks, **options) == [f"SileroVadOptions.{name}" for name in named]


def test_a_hop_longer_than_a_chunk_is_a_chunk():
    assert unused(Own(), True, AlgoOptions(hop_s=0.8)) == ["AlgoOptions.hop_s"]
    assert unused(Own(), True, AlgoOptions(hop_s=0.6)) == []
    assert unused(Own(), False, AlgoOptions(hop_s=0.1)) == []


def test_a_model_with_vad_only_judges_chunks_without_a_shorter_hop():
    assert decides_in_blocks(AlgoOptions(), streams=False)
    assert decides_in_blocks(AlgoOptions(hop_s=0.6), streams=False)
    assert not decides_in_blocks(AlgoOptions(hop_s=0.1), streams=False)


@pytest.mark.parametrize("model", [Own(), OwnSilero()])
def test_what_another_model_makes_of_the_options_is_not_known(model):
    assert unused(model, True, min_speech_duration_ms=9000, window_size_samples=100) == []


def test_a_model_of_the_fourth_generation_has_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", str(write_network(tmp_path / "v4.onnx", "v4")))
    assert unused(SileroVADModel(), False, window_size_samples=1536) == []
