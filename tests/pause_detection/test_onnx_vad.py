"""Calling the network: each generation as it wants to be, for any number of streams."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc.pause_detection.errors import ModelUnavailable, PauseDetectionError
from fastrtc.pause_detection.onnx_vad import (
    MAX_ROWS,
    SIGNATURES,
    SILENT_WINDOWS,
    OnnxStream,
    OnnxVad,
)
from fastrtc.pause_detection.silero import SileroVADModel
from tests.pause_detection.networks import FAULTS, GENERATIONS, STEP, write_network
from tests.support.speech import speech

CONTEXT = {"v5 or v6": 64, "v4": 0, "v6 sequence": 64}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OnnxVad]:
    folder = tmp_path_factory.mktemp("networks")
    return {
        generation: OnnxVad(write_network(folder / f"{number}.onnx", generation))
        for number, generation in enumerate(GENERATIONS)
    }


def expected(generation: str, samples: np.ndarray, window: int = 512) -> np.ndarray:
    """What `write_network` says that its networks do."""
    context = CONTEXT[generation]
    padded = np.concatenate((np.zeros(context), samples))
    count = samples.size // window
    rows = [padded[i * window : (i + 1) * window + context] for i in range(count)]
    before = np.arange(count)
    if generation == "v6 sequence":
        before = before // MAX_ROWS * MAX_ROWS  # one call, one state
    return np.array([np.abs(row).mean() for row in rows]) + STEP * before


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_is_called_as_it_wants(networks: dict[str, OnnxVad], generation: str):
    network = networks[generation]
    assert network.signature.generation == generation

    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 600 * 512 + 100).astype(np.float32)
    probabilities = network.open().push(samples)

    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, expected(generation, samples), atol=1e-5)


def test_the_fourth_generation_takes_longer_windows(networks: dict[str, OnnxVad]):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 16_000).astype(np.float32)
    for window in (512, 1024, 1536):
        probabilities = networks["v4"].open(window).push(samples)
        np.testing.assert_allclose(probabilities, expected("v4", samples, window), atol=1e-5)


@given(
    st.sampled_from(["v5 or v6", "v4"]),
    st.lists(st.integers(0, 1500), max_size=12),
    st.sampled_from([np.int16, np.float32]),
)
def test_a_stream_may_come_in_any_pieces(networks, generation, sizes, dtype):
    samples = np.random.default_rng(2).integers(-20_000, 20_000, sum(sizes), np.int16)
    if dtype == np.float32:
        samples = (samples / 32768).astype(np.float32)
    stream, heard = networks[generation].open(), 0
    parts = [np.empty(0, np.float32)]
    for size in sizes:
        parts.append(stream.push(samples[heard : heard + size]))
        assert parts[-1].shape == ((heard + size) // 512 - heard // 512,)
        heard += size

    whole = networks[generation].open().push(samples)
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=8))
def test_the_real_model_may_be_fed_in_any_pieces(model: SileroVADModel, sizes: list[int]):
    samples = np.random.default_rng(3).normal(0, 3000, sum(sizes)).astype(np.int16)
    whole = model.open_stream(None).push(samples)
    stream = model.open_stream(None)
    ends = np.cumsum(sizes)

    parts = [stream.push(part) for part in np.split(samples, ends[:-1])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_reset_stream_is_a_new_one(networks: dict[str, OnnxVad], model: SileroVADModel):
    samples = np.random.default_rng(4).normal(0, 0.1, 5000).astype(np.float32)
    for stream in (*(network.open() for network in networks.values()), model.open_stream(None)):
        first = stream.push(samples)
        assert not np.array_equal(stream.push(samples), first)
        stream.reset()
        np.testing.assert_array_equal(stream.push(samples), first)


def test_streams_do_not_hear_each_other(networks: dict[str, OnnxVad]):
    network = networks["v5 or v6"]
    samples = np.random.default_rng(5).uniform(-0.5, 0.5, (3, 4096)).astype(np.float32)
    streams = [network.open() for _ in samples]
    parts = [
        [stream.push(row[i : i + 512]) for stream, row in zip(streams, samples, strict=True)]
        for i in range(0, 4096, 512)
    ]
    for row, heard in zip(samples, zip(*parts, strict=True), strict=True):
        np.testing.assert_allclose(np.concatenate(heard), expected("v5 or v6", row), atol=1e-5)


def test_the_samples_given_are_neither_kept_nor_changed(networks: dict[str, OnnxVad]):
    samples = np.full(1000, 0.5, np.float32)
    stream = networks["v5 or v6"].open()
    stream.push(samples)
    assert (samples == 0.5).all()
    samples[:] = 0  # such as when a buffer is used again
    np.testing.assert_allclose(stream.push(np.full(24, 0.5, np.float32)), [0.5 + STEP], atol=1e-6)


@pytest.mark.parametrize("samples", [np.zeros((1, 512), np.float32), np.zeros((), np.float32)])
def test_other_shapes_are_refused(networks: dict[str, OnnxVad], samples: np.ndarray):
    with pytest.raises(ValueError, match=r"shape \(n,\)"):
        networks["v4"].open().push(samples)


class Counting:
    """Stands for a network and counts what it is given."""

    def __init__(self, network: OnnxVad) -> None:
        self.signature, self.first_state = network.signature, network.first_state
        self.rows = 0

    def run(self, rows, state):
        self.rows += rows.size
        return np.zeros(len(rows), np.float32), state


def test_every_sample_is_judged_once(networks: dict[str, OnnxVad]):
    network = Counting(networks["v5 or v6"])
    stream = OnnxStream(network, 512)
    for _ in range(1000):
        stream.push(np.ones(320, np.int16))
    assert network.rows == 320 * 1000 // 512 * 576


@given(
    st.lists(st.integers(1, 70), min_size=5, max_size=5),
    st.lists(st.integers(1, 9000), min_size=1, max_size=20),
)
def test_long_silence_is_not_judged_in_whatever_pieces_it_comes(networks, lengths, sizes):
    samples = np.repeat([0, 9, 0, 9, 0], np.multiply(lengths, 512)).astype(np.int16)
    before, *others, after = lengths
    others[1], after = (min(length, SILENT_WINDOWS + 1) for length in (others[1], after))
    judged = (
        min(before, SILENT_WINDOWS) + sum(others) + after
    )  # the first after sound has it as context
    for split in ([], np.cumsum(sizes)):
        network = Counting(networks["v5 or v6"])
        stream = OnnxStream(network, 512)
        for part in np.split(samples, split):
            stream.push(part)
        assert network.rows == judged * 576


@pytest.mark.external("espeak-ng")
def test_after_a_long_silence_speech_is_heard_as_after_a_second(model: SileroVADModel):
    said = speech("What time is it, please?", 16_000)
    heard = []
    for seconds in (1.024, 60.032):
        stream = model.open_stream(None)
        silence = np.zeros(round(seconds * 16_000), np.int16)
        assert stream.push(silence).max() < 0.1
        heard.append(stream.push(said))
    np.testing.assert_array_equal(*heard)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_is_an_error_and_the_stream_begins_anew(tmp_path: Path, generation, fault):
    network = OnnxVad(write_network(tmp_path / "faulty.onnx", generation, fault))
    stream = network.open()
    assert stream.push(np.zeros(500, np.float32)).size == 0
    with pytest.raises(PauseDetectionError, match="The Silero VAD model"):
        stream.push(np.ones(12, np.float32))
    assert stream.push(np.zeros(511, np.float32)).size == 0


def test_the_session_starts_no_threads(model: SileroVADModel):
    path = Path("/proc/self/task")
    if not path.exists():
        pytest.skip("no /proc here")
    OnnxVad(model.download_model())  # whatever onnxruntime starts once
    before = len(list(path.iterdir()))
    network = OnnxVad(model.download_model())
    network.open().push(np.zeros(1024, np.float32))
    assert len(list(path.iterdir())) <= before


def test_inputs_tell_the_generations_apart():
    assert len({frozenset(signature.inputs) for signature in SIGNATURES}) == len(SIGNATURES)


def test_another_network_is_refused_by_its_inputs(tmp_path: Path):
    model = onnx.load(str(write_network(tmp_path / "v4.onnx", "v4")))
    model.graph.input[0].name = "spectrum"
    model.graph.node[0].input[0] = model.graph.node[2].input[0] = "spectrum"
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(ModelUnavailable, match=r"other\.onnx .* its inputs are c, h, spectrum, sr"):
        OnnxVad(tmp_path / "other.onnx")


def test_outputs_count_too(tmp_path: Path):
    model = onnx.load(str(write_network(tmp_path / "v4.onnx", "v4")))
    del model.graph.output[2]
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(ModelUnavailable, match="is not a Silero VAD model"):
        OnnxVad(tmp_path / "other.onnx")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"version https://git-lfs"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"broken\.onnx"):
        OnnxVad(path)
