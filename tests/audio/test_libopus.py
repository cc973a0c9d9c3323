"""Lost packets are heard from their copies in the next ones, or concealed by the decoder."""

from __future__ import annotations

import _ctypes
import gc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.audio import libopus as module
from fastrtc.audio.concealment import PacketLossConcealment
from fastrtc.audio.libopus import Libopus, LibopusDecoder, LibopusEncoder, libopus
from fastrtc.transport.webrtc.opus import (
    OpusDecoder,
    OpusEncoder,
    PyavDecoder,
    make_decoder,
    supports_fec,
)
from tests.support.speech import speech

RATE, FRAME = 48000, 960
LOSS = 0.2


def found() -> Libopus:
    library = libopus()
    assert library is not None, "the wheel of PyAV has it"
    return library


@pytest.fixture
def no_libopus(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither beside PyAV nor in the system."""
    monkeypatch.setattr(module, "_paths", lambda: iter(["/nowhere/libopus.so.0"]))
    libopus.cache_clear()
    yield
    libopus.cache_clear()


def said() -> np.ndarray:
    """Three seconds of speech, shape ``(1, n)``, in whole frames."""
    samples = speech("The quick brown fox jumps over the lazy dog, and then it sleeps.")
    return samples[np.newaxis, : samples.size // FRAME * FRAME]


def tone(frames: int) -> np.ndarray:
    k = np.arange(frames * FRAME)
    return np.rint(8000 * np.sin(2 * np.pi * 440 * k / RATE)).astype(np.int16)[np.newaxis]


def packets(samples: np.ndarray, percent: int = 0) -> list[bytes]:
    encoder = LibopusEncoder(found(), samples.shape[0], RATE, 64000, 5)
    encoder.expect_loss(percent)
    return [encoder.encode(f) for f in np.split(samples, samples.shape[1] // FRAME, axis=1)]


def received(
    sent: list[bytes], lost: np.ndarray, decoder: OpusDecoder, *, fec: bool = False
) -> np.ndarray:
    """What is heard of the packets that are not lost."""
    heard, gap = [], 0
    for payload, is_lost in zip(sent, lost, strict=True):
        gap += FRAME * bool(is_lost)
        if is_lost:
            continue
        if gap:
            heard.append(decoder.conceal(gap, payload if fec else b""))
        heard.append(decoder.decode(payload))
        gap = 0
    return np.concatenate(heard, axis=1)


def faded(sent: list[bytes], lost: np.ndarray) -> np.ndarray:
    """The same with nothing but the audio before each gap to conceal it."""
    concealment, decoder, heard, gap = PacketLossConcealment(), make_decoder(1), [], 0
    for payload, is_lost in zip(sent, lost, strict=True):
        gap += FRAME * bool(is_lost)
        if not is_lost:
            heard.append(concealment.fill(RATE, decoder.decode(payload), gap))
            gap = 0
    return np.concatenate(heard, axis=1)


def snr(clean: np.ndarray, heard: np.ndarray, lost: np.ndarray) -> float:
    """How much louder the lost audio is than the error in its place, in dB."""
    there = np.repeat(lost, FRAME)
    wanted = clean[0, there].astype(float)
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((wanted - heard[0, there]) ** 2)))


def some(count: int) -> np.ndarray:
    """Which packets are lost: neither the first nor the last."""
    lost = np.random.default_rng(3).random(count) < LOSS
    lost[[0, -1]] = False
    return lost


@pytest.mark.external("espeak-ng")
def test_speech_is_nearer_to_the_original_with_fec_than_with_plc_than_with_a_fade() -> None:
    sent = packets(said(), percent=20)
    lost = some(len(sent))
    clean = received(sent, np.zeros_like(lost), make_decoder(1))
    fec = snr(clean, received(sent, lost, make_decoder(1), fec=True), lost)
    plc = snr(clean, received(sent, lost, make_decoder(1)), lost)
    fade = snr(clean, faded(sent, lost), lost)
    assert fec > plc + 6
    assert plc > fade


@pytest.mark.external("espeak-ng")
def test_without_expected_loss_no_copy_is_sent() -> None:
    sent = packets(said())
    lost = some(len(sent))
    with_fec = received(sent, lost, make_decoder(1), fec=True)
    assert np.array_equal(with_fec, received(sent, lost, make_decoder(1)))


@pytest.mark.external("espeak-ng")
@pytest.mark.parametrize("percent", [0, 20])
def test_pyav_conceals_as_libopus_does_without_fec(percent: int) -> None:
    sent = packets(said(), percent)
    lost = some(len(sent))
    concealed = received(sent, lost, PyavDecoder(1), fec=True)
    assert np.array_equal(concealed, received(sent, lost, make_decoder(1)))


def test_the_expected_loss_may_change_at_any_time_without_a_click() -> None:
    samples = tone(100)
    encoder = LibopusEncoder(found(), 1, RATE, 64000, 5)
    decoder = make_decoder(1)
    heard = []
    for k, frame in enumerate(np.split(samples, 100, axis=1)):
        if k % 20 == 10:
            encoder.expect_loss(20 if k % 40 == 10 else 0)
        heard.append(decoder.decode(encoder.encode(frame)))
    steps = np.abs(np.diff(np.concatenate(heard, axis=1)[0, FRAME:].astype(int)))
    natural = np.abs(np.diff(samples[0].astype(int))).max()
    assert steps.max() < 1.3 * natural


@pytest.mark.parametrize("make", [make_decoder, PyavDecoder])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("gap", [FRAME, 3 * FRAME, 120, 10 * FRAME])
def test_a_gap_lasts_as_long_as_what_is_missing(make, channels: int, gap: int) -> None:
    sent = packets(tone(10))
    decoder = make(channels)
    for payload in sent[:5]:
        decoder.decode(payload)
    concealed = decoder.conceal(gap, sent[6])
    assert concealed.shape == (channels, gap) and concealed.dtype == np.int16
    assert np.abs(concealed[:, :120].astype(int)).max() > 3000
    assert decoder.decode(sent[6]).shape == (channels, FRAME)


@pytest.mark.parametrize("make", [make_decoder, PyavDecoder])
def test_before_the_first_packet_there_is_nothing_to_conceal(make) -> None:
    assert not make(1).conceal(FRAME, b"").any()
    assert make(1).conceal(0).shape == (1, 0)


def test_silence_is_not_sent_with_dtx_and_makes_no_noise() -> None:
    encoder = OpusEncoder(1, dtx=True)
    samples = np.concatenate([tone(50), np.zeros((1, 100 * FRAME), np.int16)], axis=1)
    sent = [encoder.encode(f, k) for k, f in enumerate(np.split(samples, 150, axis=1))]
    assert None not in sent[:50]
    assert sent[100:].count(None) > 40
    decoder = make_decoder(1)
    for packet in filter(None, sent):
        decoder.decode(bytes(packet))
    assert np.abs(decoder.conceal(FRAME).astype(int)).max() < 100


@given(st.binary(max_size=200), st.integers(0, 20000), st.sampled_from([1, 2]))
def test_any_bytes_may_follow_a_gap(payload: bytes, gap: int, channels: int) -> None:
    decoder = make_decoder(channels)
    decoder.decode(packets(tone(1))[0])
    try:
        concealed = decoder.conceal(gap, payload)
    except ValueError:
        return
    assert concealed.shape == (channels, gap - gap % 120)


def test_what_is_no_codec_of_libopus_is_an_error() -> None:
    with pytest.raises(ValueError, match="44100"):
        LibopusDecoder(found(), 1, 44100)
    with pytest.raises(ValueError, match="5 channels"):
        LibopusEncoder(found(), 5, RATE, 64000, 5)
    encoder = LibopusEncoder(found(), 1, RATE, 64000, 5)
    with pytest.raises(ValueError, match="100 samples"):
        encoder.encode(np.zeros((1, 100), np.int16))
    with pytest.raises(ValueError, match="refuses setting"):
        encoder.expect_loss(101)


def test_each_is_freed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    library, freed = Libopus(found().path), []
    for name in ("decoder_destroy", "encoder_destroy"):
        destroy = getattr(library, name)
        monkeypatch.setattr(library, name, lambda s, d=destroy, n=name: (freed.append(n), d(s)))
    LibopusDecoder(library, 1, RATE)
    LibopusEncoder(library, 1, RATE, 64000, 5)
    gc.collect()
    assert sorted(freed) == ["decoder_destroy", "encoder_destroy"]


def test_without_libopus_there_is_no_fec_and_all_else_works(no_libopus: None) -> None:
    assert libopus() is None and not supports_fec()
    decoder, encoder = make_decoder(1), OpusEncoder(1)
    assert isinstance(decoder, PyavDecoder)
    encoder.expect_loss(20)
    packet = encoder.encode(tone(1), 960)
    assert packet.pts == 960
    assert decoder.decode(bytes(packet)).shape == (1, FRAME)


def test_another_library_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    path = found().path
    monkeypatch.setattr(module, "_paths", lambda: iter([_ctypes.__file__, path]))
    libopus.cache_clear()
    try:
        library = libopus()
        assert library is not None and library.path == path
    finally:
        libopus.cache_clear()
