from __future__ import annotations

import copy
import itertools
import json
import math
import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import astuple
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc.turns.detector import TurnDetector
from fastrtc.turns.events import (
    MaximumReached,
    Pause,
    PauseSuspected,
    PauseUnclear,
    SpeechStarted,
    TurnEvent,
)
from fastrtc.turns.options import AlgoOptions, SpeechRules

WINDOW = 0.032
CHUNK = 0.6
TRACES = Path(__file__).parent / "traces"


def spoken(seconds: float) -> list[float]:
    """Probabilities of at least so many seconds of speech."""
    return [0.95] * math.ceil(round(seconds / WINDOW, 6))


def silent(seconds: float) -> list[float]:
    return [0.02] * math.ceil(round(seconds / WINDOW, 6))


def feed(
    detector: TurnDetector, probabilities: Iterable[float], replying: bool = False
) -> list[TurnEvent]:
    events = (detector.push(probability, replying) for probability in probabilities)
    return [event for event in events if event is not None]


def detect(probabilities: Iterable[float], **options: float | None) -> list[TurnEvent]:
    return feed(TurnDetector(AlgoOptions(**options)), probabilities)  # type: ignore[arg-type]


def kinds(events: Iterable[TurnEvent]) -> list[type[TurnEvent]]:
    return [type(event) for event in events]


# --- When somebody began to speak ------------------------------------------------------------


def test_a_turn_has_a_start_and_a_pause():
    before, words = silent(1.0), spoken(1.5)
    started, pause = detect(before + words + silent(2.0))

    onset = len(before) * WINDOW
    end = onset + len(words) * WINDOW
    assert started == SpeechStarted(pytest.approx(onset + 7 * WINDOW), pytest.approx(onset))
    assert isinstance(pause, Pause)
    assert (pause.onset_s, pause.end_s) == (pytest.approx(onset), pytest.approx(end))
    assert 0.5 < pause.at_s - end <= 0.5 + WINDOW


def test_speech_has_to_be_more_than_the_threshold():
    detector = TurnDetector(window_s=0.02)
    assert feed(detector, [0.9] * 10) == []  # 0.2 s, to the last bit
    assert feed(detector, [0.9]) == [SpeechStarted(at_s=0.22, onset_s=0.0)]


def test_a_pause_has_less_than_the_threshold():
    detector = TurnDetector(window_s=0.02)
    feed(detector, [0.9] * 50)
    assert feed(detector, [0.0] * 25) == []  # 0.1 s of speech is left in the last 0.6 s
    assert feed(detector, [0.0]) == [Pause(at_s=1.52, onset_s=0.0, end_s=1.0)]


@pytest.mark.parametrize("seconds", [0.21, 0.25, 0.4])
def test_a_short_word_is_a_turn(seconds: float):
    events = detect(silent(0.5) + spoken(seconds) + silent(2.0))
    assert kinds(events) == [SpeechStarted, Pause]


@pytest.mark.parametrize("windows", range(1, 7))
def test_a_click_or_a_murmur_is_not(windows: int):
    assert detect(silent(0.5) + [0.99] * windows + silent(2.0)) == []


def test_murmurs_do_not_add_up():
    assert detect((spoken(0.1) + silent(0.5)) * 50) == []


def test_a_word_in_pieces_counts_from_its_first():
    """A detector that loses a stop consonant says nothing for 60 ms within a word."""
    events = detect(silent(0.64) + spoken(0.128) + silent(0.064) + spoken(0.128) + silent(1.0))
    assert kinds(events) == [SpeechStarted, Pause]
    assert events[0].onset_s == pytest.approx(0.64)


def test_spikes_of_noise_are_not_speech():
    noise = random.Random(3)
    spikes = [0.95 if i % 8 == 0 else noise.uniform(0, 0.3) for i in range(3000)]
    assert detect(spikes) == []


# --- Hysteresis ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "low", "heard"),
    [(0.5, 0.36, True), (0.5, 0.34, False), (0.8, 0.66, True), (0.8, 0.64, False), (0.1, 0.02, 1)],
)
def test_speech_lasts_until_well_below_the_threshold(threshold: float, low: float, heard: bool):
    detector = TurnDetector(threshold=threshold)
    events = feed(detector, [threshold] + [low] * 10)
    assert bool(events) == heard


def test_speech_begins_at_the_threshold_only():
    assert detect([0.49] * 100) == []
    assert detect([0.5] * 100) != []


def test_speech_ends_also_with_a_tiny_threshold():
    detector = TurnDetector(threshold=0.05)
    assert kinds(feed(detector, spoken(1.0) + [0.005] * 40)) == [SpeechStarted, Pause]


def test_a_broken_model_is_noticed():
    with pytest.raises(ValueError, match="is NaN"):
        TurnDetector().push(math.nan)


# --- Pauses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hesitation", [0.1, 0.3, 0.45])
def test_a_hesitation_does_not_end_a_turn(hesitation: float):
    sentence = spoken(0.8) + silent(hesitation) + spoken(0.5) + silent(hesitation) + spoken(1.0)
    started, pause = detect(silent(0.32) + sentence + silent(2.0))
    assert isinstance(pause, Pause)
    assert started.onset_s == pause.onset_s == pytest.approx(0.32)
    assert pause.end_s == pytest.approx(0.32 + len(sentence) * WINDOW)


def test_turns_follow_each_other():
    turn = spoken(1.0) + silent(1.0)
    events = detect(turn * 20)
    assert kinds(events) == [SpeechStarted, Pause] * 20
    for number, started in enumerate(events[::2]):
        assert started.onset_s == pytest.approx(number * len(turn) * WINDOW)


def test_a_pause_is_only_looked_for_after_the_onset():
    """Somebody who demands that there be more speech in a chunk than starts a turn."""
    events = detect(silent(1.0) + spoken(3.0) + silent(1.0), speech_threshold=0.4)
    assert kinds(events) == [SpeechStarted, Pause]
    assert events[1].at_s > 4.0


@pytest.mark.parametrize("gap", range(13, 20))
def test_a_word_after_about_half_a_second_is_in_one_turn_and_whole(gap: int):
    words = spoken(1.0)
    events = detect(words + [0.0] * gap + spoken(1.0) + silent(1.0))
    if gap * WINDOW <= 0.5:
        assert kinds(events) == [SpeechStarted, Pause]
    else:
        assert kinds(events) == [SpeechStarted, Pause] * 2
        assert events[2].onset_s == pytest.approx((len(words) + gap) * WINDOW)


def test_a_word_that_begins_at_the_end_of_a_block_belongs_to_the_next_turn():
    trace = [0.9] * 30 + [0.0] * 25 + [0.9] * 30  # speaks again at 1.76 s
    _, pause, started = detect(trace, hop_s=CHUNK)
    assert pause == Pause(at_s=1.8, onset_s=0.0, end_s=0.96)
    assert started == SpeechStarted(at_s=2.4, onset_s=1.76)


@pytest.mark.parametrize("hop", [None, 0.1])
def test_pauses_that_come_while_somebody_speaks_do_not_repeat_what_was_said(hop: float | None):
    """No chunk can have as much speech as these options ask for."""
    events = detect(
        spoken(3.0),
        audio_chunk_duration=0.1,
        started_talking_threshold=0.05,
        speech_threshold=0.3,
        hop_s=hop,
    )
    pauses = [event for event in events if isinstance(event, Pause)]
    assert len(pauses) > 10
    for pause in pauses:
        assert pause.end_s == pause.at_s
    for before, after in itertools.pairwise(pauses):
        assert after.onset_s == pytest.approx(before.end_s)


def test_with_a_threshold_of_zero_nobody_ever_pauses():
    assert kinds(detect(spoken(1.0) + silent(60.0), speech_threshold=0)) == [SpeechStarted]


def test_with_an_endless_threshold_nobody_ever_starts():
    assert detect(spoken(60.0), started_talking_threshold=math.inf) == []


# --- The maximum -----------------------------------------------------------------------------


def test_a_monologue_is_cut_into_utterances_that_touch():
    *cuts, pause = detect(silent(0.5) + spoken(20.0) + silent(1.0), max_continuous_speech_s=3.0)
    assert kinds(cuts) == [SpeechStarted, MaximumReached] * 6 + [SpeechStarted]
    assert isinstance(pause, Pause)
    for started, reached in itertools.pairwise(cuts):
        if isinstance(reached, MaximumReached):
            assert 3.0 <= reached.at_s - reached.onset_s < 3.0 + WINDOW
            assert started.onset_s == reached.onset_s
            assert reached.end_s == reached.at_s
        else:
            assert reached.onset_s == started.at_s
    assert pause.onset_s == cuts[-1].onset_s


def test_without_a_maximum_a_monologue_is_one_utterance():
    assert kinds(detect(spoken(1200.0) + silent(1.0))) == [SpeechStarted, Pause]


def test_a_pause_comes_before_the_maximum():
    (_, ended) = detect(spoken(1.0) + silent(2.0), max_continuous_speech_s=1.6)
    assert isinstance(ended, Pause)


def test_the_little_that_is_left_after_the_maximum_is_no_turn():
    events = detect(spoken(3.1) + silent(2.0), max_continuous_speech_s=3.0)
    assert kinds(events) == [SpeechStarted, MaximumReached]


# --- While a reply runs ----------------------------------------------------------------------


@pytest.mark.parametrize("phase", [0, 1, 2, 5, 10, 19, 30, 300])
def test_an_interruption_is_noticed_at_its_onset_in_every_phase(phase: int):
    """`phase` windows after the pause, the person speaks again."""
    detector = TurnDetector()
    probabilities = iter(spoken(1.0) + silent(1.0))
    while not isinstance(detector.push(next(probabilities)), Pause):
        pass
    assert feed(detector, [0.0] * phase, replying=True) == []
    onset = detector.now_s

    (started,) = feed(detector, spoken(0.5), replying=True)

    assert started.onset_s == pytest.approx(onset)
    assert started.at_s - onset == pytest.approx(7 * WINDOW)
    (again,) = feed(detector, silent(1.0))
    assert isinstance(again, Pause)
    assert again.onset_s == started.onset_s


def test_a_back_channel_leaves_the_reply_running():
    detector = TurnDetector()
    murmurs = (spoken(0.19) + silent(0.6)) * 10
    assert feed(detector, murmurs, replying=True) == []


@pytest.mark.parametrize("least", [0.1, 0.3, 0.5, 1.0, 3.0])
def test_an_interruption_takes_more_than_its_own_minimum(least: float):
    options = AlgoOptions(min_interruption_s=least)
    detector = TurnDetector(options)
    at_most = math.floor(round(least / WINDOW, 6))
    assert feed(detector, [0.9] * at_most, replying=True) == []
    (started,) = feed(detector, [0.9] * 2, replying=True)
    assert isinstance(started, SpeechStarted)
    assert started.onset_s == 0
    assert started.at_s > least


def test_the_minimum_of_interruptions_does_not_matter_while_listening():
    assert kinds(detect(spoken(0.25) + silent(1), min_interruption_s=1)) == [SpeechStarted, Pause]


def test_a_long_minimum_leaves_room_for_gaps():
    sentence = spoken(0.4) + silent(0.2) + spoken(0.4) + silent(0.15) + spoken(0.4)
    detector = TurnDetector(AlgoOptions(min_interruption_s=1.0))
    (started,) = feed(detector, silent(0.32) + sentence, replying=True)
    assert started.onset_s == pytest.approx(0.32)


def test_with_an_endless_minimum_nothing_interrupts_and_nothing_gathers():
    detector = TurnDetector(AlgoOptions(min_interruption_s=math.inf))
    assert feed(detector, (spoken(1.0) + silent(0.3)) * 100, replying=True) == []
    assert detector.now_s - detector.needed_from_s < 2.0


def test_a_back_channel_is_not_answered_when_the_reply_is_over():
    detector = TurnDetector(AlgoOptions(min_interruption_s=0.5))
    assert feed(detector, spoken(0.3) + silent(0.1), replying=True) == []
    assert feed(detector, silent(2.0)) == []


def test_who_still_speaks_when_the_reply_is_over_is_heard_from_the_onset():
    detector = TurnDetector(AlgoOptions(min_interruption_s=1.0))
    assert feed(detector, silent(0.32) + spoken(0.9), replying=True) == []
    (started,) = feed(detector, spoken(0.1))
    assert started.onset_s == pytest.approx(0.32)


# --- Hops ------------------------------------------------------------------------------------


def test_decisions_are_made_every_hop():
    for probabilities in (spoken(0.5) + silent(1.5), silent(0.1) + spoken(0.9) + silent(1.5)):
        for event in detect(probabilities, hop_s=0.2):
            assert round(event.at_s / 0.2, 6).is_integer()


# --- Rules of which speech counts --------------------------------------------------------------


def follow(rules: SpeechRules | None, probabilities: list[float], **options) -> list[TurnEvent]:
    return feed(TurnDetector(AlgoOptions(**options), rules=rules), probabilities)


def test_a_burst_has_to_be_longer_than_the_minimum():
    rules = SpeechRules(min_speech_s=0.512)
    assert follow(rules, silent(0.5) + [0.9] * 16 + silent(2.0)) == []
    started, pause = follow(rules, silent(0.5) + [0.9] * 17 + silent(2.0))
    assert started.onset_s == pytest.approx(0.512)
    assert started.at_s == pytest.approx(0.512 + 17 * WINDOW)
    assert isinstance(pause, Pause)


def test_a_minimum_may_be_longer_than_the_chunk():
    rules = SpeechRules(min_speech_s=1.5)
    assert follow(rules, spoken(1.5)[:-1] + silent(2.0)) == []
    started, pause = follow(rules, silent(0.5) + spoken(2.0) + silent(2.0))
    assert (started.onset_s, pause.onset_s) == (pytest.approx(0.512),) * 2


def test_short_silence_joins_what_is_long_enough_together():
    words = spoken(0.2) + silent(0.1) + spoken(0.2)
    assert follow(SpeechRules(min_speech_s=0.4), words + silent(1.0)) == []
    started, _ = follow(SpeechRules(min_speech_s=0.4, joined_s=0.15), words + silent(1.0))
    assert started.onset_s == 0


def test_a_short_burst_after_speech_does_not_put_off_the_pause():
    cough = spoken(1.0) + silent(0.4) + spoken(0.15) + silent(2.0)
    [_, late] = follow(None, cough)
    [_, soon] = follow(SpeechRules(min_speech_s=0.25, joined_s=0.1), cough)
    ends_at = len(spoken(1.0) + silent(0.4) + spoken(0.15)) * WINDOW
    assert soon.at_s == pytest.approx(ends_at + WINDOW)
    assert late.at_s == pytest.approx(ends_at + 0.5, abs=WINDOW)


def test_a_word_that_has_just_begun_is_not_too_short_yet():
    goes_on = spoken(1.0) + silent(0.45) + spoken(1.0) + silent(2.0)
    events = follow(SpeechRules(min_speech_s=0.5, joined_s=0.1), goes_on)
    assert kinds(events) == [SpeechStarted, Pause]


def test_silence_that_counts_puts_off_the_pause():
    for silence, expected in ((0.1, 0.5), (0.3, 0.5), (0.55, 0.55), (5.0, 0.6)):
        rules = SpeechRules(joined_s=silence, counted_silence_s=silence)
        _, pause = follow(rules, spoken(0.96) + silent(2.0))
        assert pause.at_s - 0.96 == pytest.approx(expected, abs=WINDOW)
        assert pause.end_s == pytest.approx(0.96)


def test_silence_after_a_word_does_not_begin_an_utterance_but_silence_within_does():
    rules = SpeechRules(joined_s=0.4, counted_silence_s=0.4)
    assert follow(rules, spoken(0.15) + silent(2.0)) == []
    pieces = spoken(0.096) + silent(0.128) + spoken(0.096)
    assert follow(None, pieces + silent(2.0)) == []
    started, _ = follow(rules, pieces + silent(2.0))
    assert started.onset_s == 0


def test_padding_begins_sooner_and_ends_later_but_not_after_the_chunk():
    for padding, expected in ((0.03, 0.53), (0.4, 0.6)):
        rules = SpeechRules(min_speech_s=0.1, pad_s=padding)
        started, pause = follow(rules, silent(0.96) + spoken(0.96) + silent(2.0))
        assert started.onset_s == pytest.approx(0.96)
        assert started.at_s - 0.96 == pytest.approx(max(0.2 - padding, 0.1), abs=WINDOW + 0.001)
        assert pause.at_s - 1.92 == pytest.approx(expected, abs=WINDOW)


def test_what_follows_a_pause_is_a_burst_of_its_own():
    rules = SpeechRules(min_speech_s=0.25, joined_s=2.0)
    assert kinds(follow(rules, spoken(1.0) + silent(0.56) + spoken(0.2) + silent(2.0))) == [
        SpeechStarted,
        Pause,
    ]


RULES = [
    SpeechRules(min_speech_s=0.25, joined_s=2.0),
    SpeechRules(min_speech_s=0.25, joined_s=0.1, counted_silence_s=0.1),
    SpeechRules(min_speech_s=0.7, joined_s=0.3, counted_silence_s=0.3, pad_s=0.1),
    SpeechRules(joined_s=0.5, counted_silence_s=0.5, pad_s=0.4),
    SpeechRules(min_speech_s=0.1, pad_s=0.4),
    SpeechRules(),
]
some_rules = st.sampled_from([None, *RULES])


# --- Against models that follow the rules by brute force -------------------------------------

thresholds = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3, 0.5])
maxima = st.sampled_from([math.inf, 0.5, 1.2, 1.25, 1.8, 3.0])


def runs_of_flags(total: int) -> st.SearchStrategy[list[bool]]:
    """Speech and silence in turn, each for so many windows."""
    runs = st.lists(st.integers(1, 30), min_size=1, max_size=total)
    return runs.map(lambda found: [i % 2 == 1 for i, n in enumerate(found) for _ in range(n)])


def block_rule(speech: list[float], chunk: float, start: float, low: float, most: float) -> list:
    """The reference's documented rule, on non-overlapping blocks; its maximum, as measured."""
    decisions, talking_since = [], None
    for number, amount in enumerate(speech):
        if talking_since is None:
            if amount > start:
                talking_since = number
                decisions.append((number, SpeechStarted))
        elif amount < low:
            talking_since = None
            decisions.append((number, Pause))
        elif round((number + 1 - talking_since) * chunk, 6) >= most:
            talking_since = None
            decisions.append((number, MaximumReached))
    return decisions


@given(
    flags=runs_of_flags(20),
    chunk_ms=st.sampled_from([100, 480, 600, 1000]),
    start=thresholds,
    low=thresholds,
    most=maxima,
)
def test_a_hop_of_a_chunk_gives_the_decisions_of_blocks(
    flags: list[bool], chunk_ms: int, start: float, low: float, most: float
):
    chunk = chunk_ms / 1000
    options = AlgoOptions(chunk, start, low, most, hop_s=chunk)
    events = feed(TurnDetector(options), [0.9 if flag else 0.1 for flag in flags])

    milliseconds = [flag for flag in flags for _ in range(32)]
    blocks = [
        sum(milliseconds[begin : begin + chunk_ms]) / 1000
        for begin in range(0, len(milliseconds) - chunk_ms + 1, chunk_ms)
    ]
    decided = [(round(event.at_s / chunk) - 1, type(event)) for event in events]
    assert decided == block_rule(blocks, chunk, start, low, most)


def continuous_rule(
    flags: list[bool], chunk: int, start: int, low: int, most: float
) -> list[tuple[int, int, type[TurnEvent]]]:
    """The rule on every window, counting each millisecond again each time."""
    heard = [flag for flag in flags for _ in range(32)]
    decisions: list[tuple[int, int, type[TurnEvent]]] = []
    onset = None
    for now in range(32, len(heard) + 1, 32):
        last = heard[max(0, now - chunk) : now]
        if onset is None:
            if sum(last) > start:
                onset = now - len(last) + last.index(True)
                while onset and heard[onset - 1]:
                    onset -= 1
                decisions.append((now, onset, SpeechStarted))
            continue
        kind: type[TurnEvent] | None = None
        if now - onset >= chunk and sum(last) < low:
            kind = Pause
        elif now - onset >= most:
            kind = MaximumReached
        if kind:
            decisions.append((now, onset, kind))
            word = now
            while word and heard[word - 1]:
                word -= 1
            begins = kind is Pause and onset < word < now
            until = word if begins else now
            heard[:until] = [False] * until
            onset = None
    return decisions


@given(
    flags=runs_of_flags(20),
    chunk=st.sampled_from([100, 480, 600, 1000]),
    start=thresholds,
    low=thresholds,
    most=maxima,
    rules=st.sampled_from([None, SpeechRules()]),
)
def test_decisions_are_those_of_the_rule(
    flags: list[bool], chunk: int, start: float, low: float, most: float, rules: SpeechRules | None
):
    options = AlgoOptions(chunk / 1000, start, low, most)
    events = feed(TurnDetector(options, rules=rules), [0.9 if flag else 0.1 for flag in flags])
    decided = [
        (round(event.at_s * 1000), round(event.onset_s * 1000), type(event)) for event in events
    ]
    expected = continuous_rule(
        flags, chunk, round(start * 1000), round(low * 1000), round(most, 3) * 1000
    )
    assert decided == expected


def rule_of_bursts(
    flags: list[bool], chunk: int, start: int, low: int, rules: SpeechRules
) -> list[tuple[int, int, type[TurnEvent]]]:
    """The continuous rule with what counts marked anew on every window, as `SpeechRules` has it."""
    least, joined, silence, pad = (round(1000 * value) for value in astuple(rules))
    heard = [flag for flag in flags for _ in range(32)]
    decisions: list[tuple[int, int, type[TurnEvent]]] = []
    onset: int | None = None
    for now in range(32, len(heard) + 1, 32):
        bursts: list[list[tuple[int, int]]] = []
        for run in runs_in(heard[:now]):
            if bursts and run[0] - bursts[-1][-1][1] < min(joined, chunk):
                bursts[-1].append(run)
            else:
                bursts.append([run])
        counts = [False] * now
        counting = []
        for burst in bursts:
            first, last = burst[0][0], burst[-1][1]
            unfinished = onset is not None and last == now
            if last <= now - chunk or not (last - first > least or unfinished):
                continue
            counting.append(burst)
            spans = [(first - pad, first), (last, last + pad), *burst]
            if silence:
                hesitates = onset is not None and now - last < min(silence, chunk)
                spans.append((first, now if hesitates else last))
            for begin, end in spans:
                for t in range(max(begin, 0), min(end, now)):
                    counts[t] = True
        speech = sum(counts[max(0, now - chunk) :])
        if onset is None:
            if speech > start:
                onset = next(a for a, b in counting[0] if b > now - chunk - least)
                decisions.append((now, onset, SpeechStarted))
        elif now - onset >= chunk and speech < low:
            decisions.append((now, onset, Pause))
            until = now
            if bursts and bursts[-1][-1][1] == now and bursts[-1][-1][0] > onset:
                until = bursts[-1][-1][0]
            heard[:until] = [False] * until
            onset = None
    return decisions


def runs_in(heard: list[bool]) -> list[tuple[int, int]]:
    """From where to where there is speech."""
    found, position = [], 0
    for flag, run in itertools.groupby(heard):
        begin, position = position, position + len(list(run))
        if flag:
            found.append((begin, position))
    return found


@settings(max_examples=60)
@given(
    flags=runs_of_flags(12),
    chunk=st.sampled_from([100, 480, 600, 1000]),
    start=st.sampled_from([50, 100, 200, 500]),
    low=st.sampled_from([50, 100, 200, 500]),
    rules=st.sampled_from(RULES),
)
def test_decisions_are_those_of_the_rule_of_bursts(
    flags: list[bool], chunk: int, start: int, low: int, rules: SpeechRules
):
    options = AlgoOptions(chunk / 1000, start / 1000, low / 1000)
    detector = TurnDetector(options, rules=rules)
    events = feed(detector, [0.9 if flag else 0.1 for flag in flags])
    decided = [
        (round(event.at_s * 1000), round(event.onset_s * 1000), type(event)) for event in events
    ]
    assert decided == rule_of_bursts(flags, chunk, start, low, rules)


@given(
    flags=runs_of_flags(20),
    replying=st.lists(st.booleans(), min_size=1, max_size=8),
    hop=st.sampled_from([None, 0.1, 0.6]),
    least=st.sampled_from([None, 0.1, 1.0]),
    most=maxima,
    rules=some_rules,
)
def test_what_is_needed_is_known_before(
    flags: list[bool],
    replying: list[bool],
    hop: float | None,
    least: float | None,
    most: float,
    rules: SpeechRules | None,
):
    """Who forgets what is not needed has every utterance whole, and nothing twice."""
    detector = TurnDetector(
        AlgoOptions(max_continuous_speech_s=most, hop_s=hop, min_interruption_s=least), rules=rules
    )
    needed, ended = 0.0, 0.0
    for number, flag in enumerate(flags):
        is_replying = replying[number // 10 % len(replying)]
        event = detector.push(0.9 if flag else 0.1, is_replying)
        if event:
            assert needed <= event.onset_s <= event.at_s <= detector.now_s
            assert event.onset_s >= ended
        if isinstance(event, Pause | MaximumReached):
            assert event.onset_s < event.end_s <= event.at_s
            ended = event.end_s
        assert ended <= detector.needed_from_s <= detector.now_s
        assert detector.needed_from_s >= needed
        needed = detector.needed_from_s


@given(
    flags=runs_of_flags(20),
    following=runs_of_flags(20),
    replying=st.booleans(),
    hop=st.sampled_from([None, 0.1, 0.6]),
    start=st.sampled_from([0.0, 0.02, 0.2, 0.7]),
    low=st.sampled_from([0.0, 0.1, 0.5]),
    least=st.sampled_from([None, 0.1, 1.0]),
    most=maxima,
    rules=some_rules,
    adapts=st.booleans(),
    suspects=st.sampled_from([None, "only", "complete", "unclear", "incomplete"]),
)
def test_nothing_is_decided_while_it_can_wait(
    flags: list[bool],
    following: list[bool],
    replying: bool,
    hop: float | None,
    start: float,
    low: float,
    least: float | None,
    most: float,
    rules: SpeechRules | None,
    adapts: bool,
    suspects: str | None,
):
    """Whatever there is, in whole windows and in the one that had begun before."""
    options = AlgoOptions(
        started_talking_threshold=start,
        speech_threshold=low,
        max_continuous_speech_s=most,
        min_interruption_s=least,
        hop_s=hop,
        adaptive_pause=adapts,
    )
    detector = TurnDetector(options, rules=rules)
    detector.suspects = suspects is not None
    detector.judged = suspects not in (None, "only")
    for number, flag in enumerate(flags):
        event = detector.push(0.9 if flag else 0.1, replying)
        if isinstance(event, PauseSuspected | PauseUnclear) and suspects != "only":
            detector.judge({"complete": 0.9, "unclear": 0.5}.get(suspects, 0.1))
        wait = detector.time_to_next_decision_s(replying)
        if wait and number % 5 == 0:  # all of them take their time
            count = math.ceil(round(wait / WINDOW, 6))
            for what in ([True] * count, [False] * count, following[:count]):
                probabilities = [0.9 if flag else 0.1 for flag in what]
                assert feed(copy.deepcopy(detector), probabilities, replying) == []


def test_what_is_near_cannot_wait():
    detector = TurnDetector()
    assert detector.time_to_next_decision_s() == pytest.approx(0.2 - WINDOW)
    feed(detector, spoken(0.1))
    assert detector.time_to_next_decision_s() == pytest.approx(0.2 - 5 * WINDOW)
    feed(detector, spoken(2.0))
    assert detector.time_to_next_decision_s() == pytest.approx(0.6 - 0.1 - WINDOW)
    feed(detector, silent(0.4))
    assert detector.time_to_next_decision_s() == pytest.approx(0.6 - 0.1 - 14 * WINDOW)


# --- Pauses that a turn model judges ------------------------------------------------------------


def judged(**options: float) -> TurnDetector:
    """A detector for a turn model, after a second of speech."""
    detector = TurnDetector(AlgoOptions(**options))  # type: ignore[arg-type]
    detector.suspects = detector.judged = True
    feed(detector, spoken(1.0))
    return detector


def test_a_pause_is_suspected_once_after_a_fifth_of_a_second():
    detector = judged()
    end = detector.now_s
    assert feed(detector, silent(0.19)) == []
    (suspected,) = feed(detector, silent(0.25))
    assert suspected == PauseSuspected(pytest.approx(end + 7 * WINDOW), 0.0, pytest.approx(end))
    assert detector.suspected and detector.awaits_judgement and detector.speaking


def test_speech_ends_the_suspicion_and_the_next_pause_is_suspected_anew():
    detector = judged()
    feed(detector, silent(0.25) + spoken(WINDOW))
    assert not detector.suspected
    assert kinds(feed(detector, spoken(0.5) + silent(0.25))) == [PauseSuspected]


def test_a_complete_turn_ends_at_once():
    detector = judged()
    end = detector.now_s
    feed(detector, silent(0.25))
    assert detector.judge(0.9) == Pause(detector.now_s, 0.0, pytest.approx(end))
    assert not detector.speaking and not detector.suspected
    assert detector.judge(0.9) is None
    assert kinds(feed(detector, silent(2.0) + spoken(0.5))) == [SpeechStarted]


@pytest.mark.parametrize("most", [0.5, 1.0, 3.0])
def test_an_incomplete_turn_ends_at_the_maximum_counted_from_the_end_of_speech(most: float):
    detector = judged(max_pause_s=most)
    end = detector.now_s
    feed(detector, silent(0.25))
    assert detector.judge(0.0) is None
    (pause,) = feed(detector, silent(5.0))
    assert most < pause.at_s - end <= most + 2 * WINDOW


def test_an_unclear_turn_is_asked_about_again_and_ends_if_it_is_complete_then():
    detector = judged()
    end = detector.now_s
    feed(detector, silent(0.25))
    assert detector.judge(0.5) is None
    (unclear,) = feed(detector, silent(0.2))
    assert unclear == PauseUnclear(pytest.approx(end + 13 * WINDOW), 0.0, pytest.approx(end))
    assert detector.awaits_judgement
    assert detector.judge(0.96) == Pause(detector.now_s, 0.0, pytest.approx(end))


@pytest.mark.parametrize("again", [0.9, None])
def test_an_unclear_turn_ends_after_a_longer_pause(again: float | None):
    detector = judged()
    end = detector.now_s
    feed(detector, silent(0.25))
    detector.judge(0.8)
    feed(detector, silent(0.2))
    assert detector.judge(again) is None
    (pause,) = feed(detector, silent(5.0))
    assert 1.2 < pause.at_s - end < 1.5


def test_without_a_judgement_the_pause_decides():
    plain = TurnDetector()
    feed(plain, spoken(1.0))
    (expected,) = feed(plain, silent(2.0))
    late = judged()
    assert feed(late, silent(2.0))[1:] == [expected]
    failed = judged()
    feed(failed, silent(0.25))
    failed.judge(None)
    assert feed(failed, silent(2.0)) == [expected]


def test_a_late_judgement_is_ignored():
    detector = judged(audio_chunk_duration=2.0)
    feed(detector, silent(0.6))
    assert detector.suspected and not detector.awaits_judgement
    assert detector.judge(0.9) is None and detector.speaking
    (pause,) = feed(detector, silent(3.0))
    assert 1.9 < pause.at_s - pause.end_s < 2.0


def test_noise_in_a_pause_does_not_let_the_plain_pause_end_the_turn():
    detector = judged()
    feed(detector, silent(0.25))
    detector.judge(0.0)
    events = feed(detector, silent(1.0) + spoken(WINDOW) + silent(0.15))
    assert events == []
    assert kinds(feed(detector, silent(0.1))) == [PauseSuspected]


def test_a_pause_during_a_reply_is_not_suspected():
    detector = TurnDetector()
    detector.suspects = detector.judged = True
    feed(detector, spoken(1.0), replying=True)
    assert kinds(feed(detector, silent(1.0), replying=True)) == [Pause]


def test_an_adaptive_pause_follows_those_of_the_speaker():
    detector = TurnDetector(AlgoOptions(adaptive_pause=True))
    (_, first) = feed(detector, spoken(1.0) + silent(1.0))
    assert 0.5 < first.at_s - first.end_s <= 0.5 + WINDOW
    detector.reset()  # it is still the same speaker
    (_, second) = feed(detector, (spoken(0.5) + silent(0.15)) * 20 + silent(1.0))
    assert 0.3 <= second.at_s - second.end_s < 0.42
    events = feed(detector, (spoken(0.5) + silent(0.9)) * 12)
    assert len(events) < 2 * 12


# --- Life ------------------------------------------------------------------------------------


def test_reset_forgets_and_time_goes_on():
    detector = TurnDetector()
    feed(detector, spoken(0.2) + spoken(1.0))
    now = detector.now_s
    detector.reset()
    assert not detector.speaking
    assert detector.now_s == detector.needed_from_s == now
    assert feed(detector, [0.4] * 20) == []  # speech is over, also for the hysteresis
    (started,) = feed(detector, spoken(0.3))
    assert started.onset_s == pytest.approx(now + 20 * WINDOW)


def test_reset_can_skip_audio_that_nobody_listened_to():
    detector = TurnDetector(AlgoOptions(hop_s=0.6))
    feed(detector, spoken(0.5))
    detector.reset(60.0)
    assert detector.now_s == 60.0
    (started,) = feed(detector, spoken(0.65))
    assert started == SpeechStarted(at_s=60.6, onset_s=60.0)


def test_speaking_says_whether_an_utterance_goes_on():
    detector = TurnDetector()
    feed(detector, spoken(0.19))
    before = detector.speaking
    feed(detector, spoken(0.2))
    during = detector.speaking
    feed(detector, silent(1.0))
    assert (before, during, detector.speaking) == (False, True, False)


def test_changes_of_the_options_act_at_once():
    detector = TurnDetector(AlgoOptions())
    feed(detector, spoken(1.0))
    detector.options.audio_chunk_duration = 1.5
    (pause,) = feed(detector, silent(2.0))
    assert 1.4 < pause.at_s - len(spoken(1.0)) * WINDOW < 1.4 + 2 * WINDOW


def test_times_do_not_drift():
    detector = TurnDetector(window_s=256 / 11025)
    windows = 3600 * 11025 // 256
    feed(detector, itertools.repeat(0.0, windows))
    assert detector.now_s == pytest.approx(windows * 256 / 11025, rel=1e-7)


def count_steps(work: Callable[[], object]) -> int:
    """How many calls Python makes, in C or in Python."""
    steps = 0

    def count(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal steps
        steps += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return steps


@pytest.mark.parametrize(
    "trace",
    [spoken(10.0), silent(10.0), (spoken(WINDOW) + silent(WINDOW)) * 160],
    ids=["monologue", "silence", "stutter"],
)
@pytest.mark.parametrize("hop", [None, 0.6])
def test_the_cost_is_linear(trace: list[float], hop: float | None):
    def cost(times: int) -> int:
        detector = TurnDetector(AlgoOptions(hop_s=hop))
        return count_steps(lambda: feed(detector, trace * times))

    once = cost(1)
    assert once / len(trace) < 200
    assert cost(10) <= 12 * once


# --- Recorded from Silero on real speech (make_traces.py) ------------------------------------


def load(name: str) -> tuple[list[list[float]], list[float]]:
    trace = json.loads((TRACES / f"{name}.json").read_text())
    return trace["pieces"], trace["probabilities"]


ONE_TURN = [
    "yes",
    "yes-female",
    "no",
    "stop-female",
    "comma",
    "comma-female",
    "question",
    "hesitation",
    "monologue",
    "recorded-hello",
    "recorded-hello-world",
    "recorded-goodbye",
    "recorded-four",
    "recorded-one-moment-please",
    "recorded-transfer",
]
SEVERAL_TURNS = ["two-turns", "recorded-three-turns"]


def turns_of(name: str) -> list[tuple[float, float]]:
    pieces, _ = load(name)
    if name in SEVERAL_TURNS:
        return [(begin, end) for begin, end in pieces]
    return [(pieces[0][0], pieces[-1][1])]


@pytest.mark.parametrize("name", ONE_TURN + SEVERAL_TURNS)
def test_real_speech_is_heard_whole_and_once(name: str):
    _, probabilities = load(name)
    turns = turns_of(name)
    events = detect(probabilities)
    assert kinds(events) == [SpeechStarted, Pause] * len(turns)
    for (begin, end), started, pause in zip(turns, events[::2], events[1::2], strict=True):
        assert isinstance(pause, Pause)
        # the pre-roll covers what the model notices late
        assert begin - 0.1 < started.onset_s < begin + AlgoOptions().pre_roll_s - 0.1
        assert end - 0.1 < pause.end_s < end + 0.15
        assert started.at_s - begin < 0.4
        assert 0.45 < pause.at_s - end < 0.65


def test_the_onset_of_real_speech_is_typically_known_within_0_3_s():
    lags = []
    for name in ONE_TURN + SEVERAL_TURNS:
        started = [e for e in detect(load(name)[1]) if isinstance(e, SpeechStarted)]
        lags += [e.at_s - begin for e, (begin, _) in zip(started, turns_of(name), strict=True)]
    lags.sort()
    assert lags[len(lags) // 2] < 0.26
    assert sum(lag < 0.3 for lag in lags) >= 0.8 * len(lags)


@pytest.mark.parametrize("name", ["clicks", "hiss", "tone", "uh"])
def test_what_is_not_a_word_is_no_turn(name: str):
    assert detect(load(name)[1]) == []


def test_a_murmur_of_agreement_interrupts_only_if_it_may():
    _, mhm = load("mhm")
    listening, choosy = TurnDetector(), TurnDetector(AlgoOptions(min_interruption_s=0.8))
    assert kinds(feed(listening, mhm, replying=True)) == [SpeechStarted, Pause]
    assert feed(choosy, mhm, replying=True) == []
    assert kinds(feed(choosy, load("question")[1], replying=True)) == [SpeechStarted, Pause]


@pytest.mark.parametrize("name", ["comma", "hesitation", "monologue"])
def test_blocks_of_real_speech_find_a_pause_later(name: str):
    _, probabilities = load(name)
    ((_, end),) = turns_of(name)
    blocks = detect(probabilities, hop_s=CHUNK)
    assert kinds(blocks) == [SpeechStarted, Pause]
    assert 0.45 < blocks[1].at_s - end < 1.3
