from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import pytest

from fastrtc.turns.options import AlgoOptions

NAMES = [field.name for field in fields(AlgoOptions) if field.name != "adaptive_pause"]


def test_the_contract_s_fields_come_first_in_order():
    options = AlgoOptions(0.5, 0.3, 0.2, 10.0)
    assert NAMES[:4] == [
        "audio_chunk_duration",
        "started_talking_threshold",
        "speech_threshold",
        "max_continuous_speech_s",
    ]
    assert [getattr(options, name) for name in NAMES[:4]] == [0.5, 0.3, 0.2, 10.0]


def test_defaults():
    assert AlgoOptions() == AlgoOptions(0.6, 0.2, 0.1, math.inf, 0.3, None, None)


def test_a_subclass_has_other_defaults():
    @dataclass
    class Patient(AlgoOptions):
        audio_chunk_duration: float = 1.5
        mood: str = "calm"

    options = Patient(speech_threshold=0.05)
    assert options.audio_chunk_duration == 1.5
    assert options.started_talking_threshold == 0.2
    assert options.speech_threshold == 0.05
    with pytest.raises(ValueError, match="pre_roll_s"):
        Patient(pre_roll_s=-1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-0.1, math.nan, -math.inf, "0.6"])
def test_nonsense_is_refused_by_name(name: str, value: object):
    with pytest.raises(ValueError, match=f"{name} must be a number of seconds, not"):
        AlgoOptions(**{name: value})


@pytest.mark.parametrize("name", ["audio_chunk_duration", "pre_roll_s", "hop_s"])
def test_an_endless_stretch_is_refused(name: str):
    with pytest.raises(ValueError, match=f"{name} must be finite"):
        AlgoOptions(**{name: math.inf})


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("min_interruption_s", "hop_s")])
def test_only_what_has_another_default_may_be_none(name: str):
    with pytest.raises(ValueError, match=f"{name} must be"):
        AlgoOptions(**{name: None})


def test_unusual_values_that_mean_something_are_taken():
    AlgoOptions(0, 0, 0, 0, 0, 0, 0)
    AlgoOptions(1, math.inf, math.inf, math.inf, 1, math.inf, 1)
    AlgoOptions(np.float32(0.6), np.float64(0.2))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 0, 1, "yes"])
def test_a_switch_is_true_or_false(value: object):
    with pytest.raises(ValueError, match="adaptive_pause must be True or False, not"):
        AlgoOptions(adaptive_pause=value)  # type: ignore[arg-type]
