"""The model as programs use it: on speech, on what is none, and with a network of our own."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastrtc.core.errors import FastRTCError
from fastrtc.pause_detection import silero
from fastrtc.pause_detection.errors import ModelUnavailable, PauseDetectionError
from fastrtc.pause_detection.protocol import SpeechStream
from fastrtc.pause_detection.silero import SileroVADModel, SileroVadOptions, get_silero_model
from tests.pause_detection.networks import FAULTS, write_network
from tests.support.speech import recorded_prompt, speech

TIGHT = SileroVadOptions(min_silence_duration_ms=100, speech_pad_ms=30)
SENTENCE = "I would like to know whether the train to London leaves at nine."


def between_silence(samples: np.ndarray, rate: int, seconds: float = 1) -> np.ndarray:
    return np.pad(samples, round(seconds * rate))


def levels(*parts: tuple[float, int], window: int = 1024) -> np.ndarray:
    return np.concatenate([np.full(count * window, level, np.float32) for level, count in parts])


# --- Speech, and what is none ---


@pytest.mark.external("espeak-ng")
@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("voice", ["en-us", "en-us+f3"])
def test_a_spoken_sentence_is_found_whole(model: SileroVADModel, rate: int, voice: str):
    spoken = speech(SENTENCE, rate, voice)
    loud = np.flatnonzero(np.abs(spoken) > 1000) / rate
    seconds, chunks = model.vad((rate, between_silence(spoken, rate)), TIGHT)

    assert chunks[0]["start"] / 16_000 == pytest.approx(1 + loud[0], abs=0.1)
    assert chunks[-1]["end"] / 16_000 == pytest.approx(1 + loud[-1], abs=0.15)
    assert seconds == sum(chunk["end"] - chunk["start"] for chunk in chunks) / 16_000
    assert seconds > 0.8 * (loud[-1] - loud[0])


@pytest.mark.external("espeak-ng")
@pytest.mark.parametrize("word", ["Yes.", "No.", "Stop!"])
def test_a_short_word_is_found(model: SileroVADModel, word: str):
    seconds, chunks = model.vad((16_000, between_silence(speech(word, 16_000), 16_000)), TIGHT)

    assert len(chunks) == 1
    assert 0.2 < seconds < 0.8


@pytest.mark.external("recorded-voices")
@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("prompt", ["vm-goodbye", "vm-intro", "digits/4", "conf-onlyperson"])
def test_recorded_voices_are_found(model: SileroVADModel, rate: int, prompt: str):
    recorded = recorded_prompt(prompt, rate)
    seconds, chunks = model.vad((rate, between_silence(recorded, rate)), TIGHT)

    assert seconds > 0.6 * recorded.size / rate
    assert chunks[0]["start"] / 16_000 == pytest.approx(1, abs=0.25)
    assert chunks[-1]["end"] / 16_000 == pytest.approx(1 + recorded.size / rate, abs=0.25)


@pytest.mark.external("espeak-ng")
def test_any_rate_dtype_and_shape_gives_the_same(model: SileroVADModel):
    spoken = between_silence(speech(SENTENCE, 16_000), 16_000)
    floats = (spoken / 32768).astype(np.float32)
    expected = model.vad((16_000, spoken), TIGHT)
    for samples in (
        spoken[np.newaxis],
        spoken[:, np.newaxis],
        np.stack((spoken, spoken)),
        np.stack((spoken, spoken), axis=1),
        spoken.astype(">i2"),
        spoken.astype(np.int32) << 16,
        spoken.astype(np.int32),
        spoken.astype(np.int64),
        spoken.tobytes(),
        bytearray(spoken.tobytes()),
        memoryview(spoken.tobytes()),
        floats,
        floats[np.newaxis],
        floats.astype(np.float64),
    ):
        assert model.vad((16_000.0, samples), TIGHT) == expected
        assert model.get_speech_timestamps(samples, TIGHT) == expected[1]
    for rate in (8_000, 22_050, 24_000, 44_100, 48_000):
        resampled = between_silence(speech(SENTENCE, rate), rate)
        assert model.vad((rate, resampled), TIGHT)[0] == pytest.approx(expected[0], abs=0.15)


def sounds(random: np.random.Generator) -> dict[str, np.ndarray]:
    time_ = np.arange(5 * 16_000) / 16_000
    white = random.normal(0, 1, time_.size)
    brown = np.cumsum(white)
    return {
        "silence": 0 * time_,
        "faint noise": 0.001 * white,
        "noise": 0.1 * white,
        "loud noise": 0.5 * white,
        "rumble": 0.5 * brown / np.abs(brown).max(),
        "hum": 0.3 * np.sin(2 * np.pi * 50 * time_),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time_),
        "whistle": 0.5 * np.sin(2 * np.pi * 2000 * time_),
        "chord": 0.2 * sum(np.sin(2 * np.pi * f * time_) for f in (261.6, 329.6, 392)),
        "slam": np.clip(2 * white * np.exp(-((time_ * 1) % 1) * 30), -1, 1),
    }


@pytest.mark.parametrize("name", sounds(np.random.default_rng(0)))
def test_what_is_no_speech(model: SileroVADModel, random: np.random.Generator, name: str):
    samples = sounds(random)[name].astype(np.float32)

    assert model.vad((16_000, samples), SileroVadOptions()) == (0, [])
    stream = model.open_stream(None)
    assert np.count_nonzero(stream.push(samples) >= 0.5) <= 2  # 64 ms


@pytest.mark.parametrize("shape", [(0,), (1, 0), (2, 0), (1,), (1, 100)])
def test_hardly_any_audio(model: SileroVADModel, shape: tuple[int, ...]):
    for rate in (16_000, 48_000):
        assert model.vad((rate, np.zeros(shape, np.int16)), None) == (0, [])
    assert model.get_speech_timestamps(np.zeros(shape, np.float32), None) == []


# --- Speech is what is loud ---

AS_FASTRTC_0_0_34 = [
    ([(0, 40), (0.9, 40), (0, 90)], {}, [(34560, 88320)]),
    ([(0, 10), (0.9, 20), (0, 30)], {}, [(3840, 61440)]),
    ([(0, 10), (0.9, 7), (0, 70), (0.9, 9), (0, 70)], {}, [(3840, 23808), (82688, 104704)]),
    (
        [(0, 10), (0.55, 4), (0.4, 9), (0.2, 3), (0.6, 12), (0.34, 8), (0.9, 30), (0.45, 9)],
        {"window_size_samples": 512, "min_silence_duration_ms": 100, "speech_pad_ms": 30},
        [(4640, 19936), (23072, 43520)],
    ),
    (
        [(0, 10), (0.69, 4), (0.71, 10), (0.56, 3), (0.54, 6), (0.8, 9), (0.1, 40)],
        {
            "window_size_samples": 512,
            "threshold": 0.7,
            "min_silence_duration_ms": 200,
            "speech_pad_ms": 100,
        },
        [(5568, 23104)],
    ),
    (
        [(0, 5), (0.9, 6), (0, 2), (0.9, 3), (0, 4), (0.9, 12), (0, 8)],
        {"window_size_samples": 1536, "min_silence_duration_ms": 300},
        [(1280, 55552)],
    ),
    (
        [(0.9, 20), (0, 6), (0.9, 20), (0, 9), (0.9, 20), (0, 80)],
        {"window_size_samples": 512, "max_speech_duration_s": 1.5, "speech_pad_ms": 30},
        [(0, 10720), (12832, 24032), (27680, 38880)],
    ),
    (
        [(0.9, 60), (0, 20), (0.9, 60), (0, 80)],
        {"window_size_samples": 512, "max_speech_duration_s": 3, "speech_pad_ms": 100},
        [(0, 32320), (39360, 73280)],
    ),
]
"""Loudness, options, and what FastRTC 0.0.34 finds with a network that takes it for speech."""


@pytest.mark.parametrize(("parts", "options", "expected"), AS_FASTRTC_0_0_34)
def test_timestamps_are_those_of_fastrtc(tiny_model: SileroVADModel, parts, options, expected):
    samples = levels(*parts, window=options.get("window_size_samples", 1024))
    seconds, chunks = tiny_model.vad((16_000, samples), SileroVadOptions(**options))

    assert [(chunk["start"], chunk["end"]) for chunk in chunks] == expected
    assert seconds == sum(end - start for start, end in expected) / 16_000
    assert type(seconds) is float


def test_options_can_be_given_by_name(tiny_model: SileroVADModel):
    samples = levels((0, 20), (0.9, 20), (0, 60))
    options = SileroVadOptions(speech_pad_ms=0)
    bare = tiny_model.get_speech_timestamps(samples, options)

    assert bare == [{"start": 20 * 1024, "end": 40 * 1024}]
    assert tiny_model.get_speech_timestamps(samples, None, speech_pad_ms=0) == bare
    assert tiny_model.get_speech_timestamps(samples, options, min_speech_duration_ms=2000) == []
    assert options == SileroVadOptions(speech_pad_ms=0)
    with pytest.raises(TypeError, match="speech_padding"):
        tiny_model.get_speech_timestamps(samples, options, speech_padding=0)


def test_a_window_of_the_fourth_generation_can_be_chosen(tiny_model: SileroVADModel):
    samples = levels((0, 3), (0.9, 20), (0, 9), window=512)
    for window, start in ((512, 1536), (1024, 1024), (1536, 1536)):
        found = tiny_model.get_speech_timestamps(
            samples,
            SileroVadOptions(window_size_samples=window, speech_pad_ms=0, threshold=0.4),
        )
        assert found[0]["start"] == start
    with pytest.raises(ValueError, match="window_size_samples must be at least 512, not 256"):
        tiny_model.vad((16_000, samples), SileroVadOptions(window_size_samples=256))


@pytest.mark.parametrize("size", [160, 512, 700, 16_000])
def test_a_stream_of_the_fourth_generation_has_that_window(tiny_model: SileroVADModel, size: int):
    samples = levels((0, 3), (0.9, 3), (0, 7), window=512)

    def probabilities(**options: int) -> list[float]:
        stream = tiny_model.open_stream(SileroVadOptions(**options))
        stream.push(np.full(700, 0.5, np.float32))
        stream.reset()
        parts = [stream.push(samples[k : k + size]) for k in range(0, samples.size, size)]
        return np.concatenate(parts).round(1).tolist()

    narrow = [0, 0, 0, 0.9, 0.9, 0.9, 0, 0, 0, 0, 0, 0, 0]
    assert probabilities() == probabilities(window_size_samples=512) == pytest.approx(narrow)
    wide = [0, 0, 0, 0.9, 0.9, 0.9, 0, 0, 0, 0, 0, 0]
    assert probabilities(window_size_samples=1536) == pytest.approx(wide)
    uneven = probabilities(window_size_samples=768)
    assert len(uneven) == 8 * 768 // 512
    assert uneven[:3] == [0, 0, 0] and uneven[3:6] == pytest.approx([0.9] * 3)
    with pytest.raises(ValueError, match="window_size_samples must be at least 512, not 256"):
        probabilities(window_size_samples=256)


def test_later_generations_have_one_window(model: SileroVADModel, random: np.random.Generator):
    noise = random.normal(0, 0.1, 16_000)
    for window in (100, 512, 1536):
        assert model.vad((16_000, noise), SileroVadOptions(window_size_samples=window)) == (0, [])


def test_a_subclass_of_the_options_will_do(tiny_model: SileroVADModel):
    class Eager(SileroVadOptions):
        pass

    assert tiny_model.vad((16_000, levels((0.9, 20))), Eager())[0] > 1


@pytest.mark.parametrize("options", [{"threshold": 0.5}, 0.5, object()])
def test_other_options_are_refused(tiny_model: SileroVADModel, options: object):
    with pytest.raises(TypeError, match="SileroVadOptions"):
        tiny_model.vad((16_000, np.zeros(512, np.int16)), options)
    with pytest.raises(TypeError, match="SileroVadOptions"):
        tiny_model.open_stream(options)


@pytest.mark.parametrize(
    ("audio", "error"),
    [
        ((0, np.zeros(512, np.int16)), ValueError),
        ((-1, np.zeros(512, np.int16)), ValueError),
        ((16_000.5, np.zeros(512, np.int16)), ValueError),
        ((16_000, bytes(1023)), ValueError),
        ((16_000, None), TypeError),
        ((16_000, "audio"), TypeError),
        ((16_000, np.zeros((3, 512), np.int16)), ValueError),
        ((16_000, np.zeros(512, bool)), TypeError),
        ((48_000, np.zeros((2, 512), complex)), TypeError),
    ],
)
def test_what_is_no_audio_is_refused(tiny_model: SileroVADModel, audio, error):
    with pytest.raises(error):
        tiny_model.vad(audio, SileroVadOptions())


def test_what_is_not_a_number_is_silence(model: SileroVADModel):
    assert model.vad((16_000, np.full(16_000, np.nan, np.float32)), None) == (0, [])


def test_a_subclass_may_find_speech_its_own_way(tiny_model: SileroVADModel):
    class Everything(SileroVADModel):
        def get_speech_timestamps(self, audio, vad_options, **kwargs):
            return [{"start": 0, "end": audio.size}]

    assert Everything().vad((48_000, np.zeros(4800, np.int16)), None)[0] == 0.1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_model_says_so(tmp_path, monkeypatch: pytest.MonkeyPatch, fault: str):
    path = write_network(tmp_path / "faulty.onnx", "v5 or v6", fault)
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", str(path))
    faulty = SileroVADModel()
    for action in (
        lambda: faulty.vad((16_000, np.zeros(16_000, np.int16)), None),
        lambda: faulty.get_speech_timestamps(np.zeros(16_000, np.int16), None),
        lambda: faulty.open_stream(None).push(np.zeros(512, np.float32)),
        faulty.warmup,
    ):
        with pytest.raises(PauseDetectionError, match="The Silero VAD model") as caught:
            action()
        assert isinstance(caught.value, FastRTCError)


# --- Chunks ---


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_chunks_are_cut_out_and_joined(dtype: type):
    audio = np.arange(10, dtype=dtype)
    chunks = [{"start": 1, "end": 3}, {"start": 5, "end": 7}]
    for samples in (audio, audio[np.newaxis], np.stack((audio, audio))):
        cut = SileroVADModel.collect_chunks(samples, chunks)
        assert cut.dtype == dtype
        assert np.array_equal(cut, samples[..., [1, 2, 5, 6]])
    assert SileroVADModel.collect_chunks(audio, []).shape == (0,)
    assert SileroVADModel.collect_chunks(audio[np.newaxis], []).shape == (1, 0)


# --- The shared model ---


@pytest.fixture
def fresh_cache():
    get_silero_model.cache_clear()
    yield
    get_silero_model.cache_clear()


def test_all_callers_share_one_model(fresh_cache: None, monkeypatch: pytest.MonkeyPatch):
    made = []

    class Slow(SileroVADModel):
        def __init__(self) -> None:
            time.sleep(0.05)
            super().__init__()
            made.append(self)

    monkeypatch.setattr(silero, "SileroVADModel", Slow)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: get_silero_model(), range(8)))

    assert len(made) == 1
    assert all(each is made[0] for each in got)


def test_a_librosa_that_the_program_imported_is_ready_with_the_model(fresh_cache, monkeypatch):
    calls = []
    monkeypatch.setattr(silero, "warm_up_librosa", lambda: calls.append(True))
    get_silero_model()
    assert calls == [True]


def test_loading_is_logged_not_printed(fresh_cache: None, caplog, capfd):
    with caplog.at_level("INFO", "fastrtc"):
        get_silero_model()
        get_silero_model()

    assert [record.name for record in caplog.records] == ["fastrtc.pause_detection.silero"]
    assert "Silero VAD is ready" in caplog.text
    assert capfd.readouterr() == ("", "")


def test_a_failure_to_load_is_not_kept(fresh_cache: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FASTRTC_SILERO_MODEL", "/nowhere.onnx")
    with pytest.raises(ModelUnavailable):
        get_silero_model()
    monkeypatch.delenv("FASTRTC_SILERO_MODEL")
    assert isinstance(get_silero_model(), SileroVADModel)


@pytest.mark.external("espeak-ng")
def test_several_threads_at_once_get_what_one_gets(model: SileroVADModel):
    words = ["One two three.", "Where is the station?", "Yes.", "Thank you very much indeed."]
    spoken = [between_silence(speech(text, 16_000), 16_000, 0.3) for text in words]
    alone = [model.open_stream(None).push(samples) for samples in spoken]
    found = [model.vad((16_000, samples), TIGHT) for samples in spoken]
    together = threading.Barrier(8)

    def follow(index: int) -> np.ndarray:
        stream: SpeechStream = model.open_stream(None)
        together.wait(10)
        samples = spoken[index]
        parts = [stream.push(samples[i : i + 320]) for i in range(0, samples.size, 320)]
        assert model.vad((16_000, samples), TIGHT) == found[index]
        return np.concatenate(parts)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(follow, [0, 1, 2, 3] * 2))
    for expected, result in zip(alone * 2, results, strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.external("espeak-ng")
def test_a_stream_hears_speech_begin_and_end(model: SileroVADModel):
    spoken = speech("Hello, can you hear me?", 16_000)
    loud = np.flatnonzero(np.abs(spoken) > 1000)
    stream = model.open_stream(SileroVadOptions())
    probabilities = stream.push(between_silence(spoken, 16_000))

    speaking = np.flatnonzero(probabilities >= 0.5)
    assert 0 <= speaking[0] - (16_000 + loud[0]) // 512 <= 3
    assert abs(speaking[-1] - (16_000 + loud[-1]) // 512) <= 3
