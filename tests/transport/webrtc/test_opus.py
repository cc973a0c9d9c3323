from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.transport.webrtc.opus import LOWER_RATES, OPUS_RATE, OpusEncoder, make_decoder
from tests.support.speech import speech

FRAME = 960


def encoded(samples: np.ndarray) -> list[av.Packet]:
    """The packets of samples of shape `(channels, n)`."""
    encoder = OpusEncoder(samples.shape[0])
    starts = range(0, samples.shape[1] - FRAME + 1, FRAME)
    return [encoder.encode(samples[:, at : at + FRAME], at) for at in starts]


def decoded(packets: list[av.Packet], channels: int) -> np.ndarray:
    decoder = make_decoder(channels)
    return np.concatenate([decoder.decode(bytes(packet)) for packet in packets], axis=1)


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """The largest correlation of two signals that are apart by up to 20 ms."""
    n = min(a.size, b.size) - FRAME
    a = a[:n].astype(float)
    later = (b[lag : lag + n].astype(float) for lag in range(0, FRAME, 4))
    return max(float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))) for b in later)


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    k = np.arange(round(OPUS_RATE * seconds))
    return np.rint(8000 * np.sin(2 * np.pi * hertz * k / OPUS_RATE)).astype(np.int16)


@pytest.mark.external("espeak-ng")
def test_speech_in_mono():
    samples = speech("The quick brown fox jumps over the lazy dog.")[np.newaxis]
    packets = encoded(samples)
    heard = decoded(packets, 1)
    assert heard.shape == (1, len(packets) * FRAME)
    assert heard.dtype == np.int16
    assert loudness(heard) == pytest.approx(loudness(samples), rel=0.05)
    assert alike(samples[0], heard[0]) > 0.95


@pytest.mark.parametrize("rate", LOWER_RATES)
def test_lower_rates_are_encoded_as_they_are(rate: int):
    encoder = OpusEncoder(1, rate)
    n = rate // 50
    samples = np.rint(8000 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)).astype(np.int16)
    packets = [encoder.encode(samples[np.newaxis, k * n :][:, :n], k * FRAME) for k in range(50)]
    assert [packet.pts * packet.time_base for packet in packets] == [
        Fraction(k, 50) for k in range(50)
    ]
    heard = decoded(packets, 1)
    assert heard.shape == (1, OPUS_RATE)
    assert alike(tone(1000)[FRAME:], heard[0, FRAME:]) > 0.98


@pytest.mark.external("espeak-ng")
def test_speech_in_stereo_stays_left_and_right():
    voices = [speech("on the left there is one voice"), speech("and another one", voice="en-us+f3")]
    n = min(voice.size for voice in voices) // FRAME * FRAME
    samples = np.stack([voice[:n] for voice in voices])
    heard = decoded(encoded(samples), 2)
    assert heard.shape == samples.shape
    for before, after in zip(samples, heard, strict=True):
        assert loudness(after) == pytest.approx(loudness(before), rel=0.1)
        assert alike(before, after) > 0.9
    assert alike(samples[0], heard[1]) < 0.5


@pytest.mark.parametrize("sent", [1, 2])
@pytest.mark.parametrize("wanted", [1, 2])
def test_any_decoder_takes_mono_and_stereo(sent, wanted):
    samples = np.stack([tone(440)] * sent)
    heard = decoded(encoded(samples), wanted)
    assert heard.shape == (wanted, OPUS_RATE)
    for channel in heard[:, FRAME:]:
        assert loudness(channel) == pytest.approx(loudness(samples), rel=0.05)


def test_packets_have_the_time_that_is_given():
    encoder = OpusEncoder(1)
    silence = np.zeros((1, FRAME), np.int16)
    packets = [encoder.encode(silence, pts) for pts in (0, 960, 480_000, 2**33)]
    assert [packet.pts for packet in packets] == [0, 960, 480_000, 2**33]
    assert {packet.time_base for packet in packets} == {Fraction(1, 48000)}


def test_each_frame_is_a_packet_from_the_first_on():
    assert len(encoded(tone(440)[np.newaxis])) == 50


def test_frames_of_any_strides():
    samples = np.stack([tone(440), tone(880)], axis=1).T  # as if packed
    straight = np.ascontiguousarray(samples)
    assert [bytes(p) for p in encoded(samples)] == [bytes(p) for p in encoded(straight)]


def test_an_empty_packet_gives_nothing_and_does_no_harm():
    decoder = make_decoder(2)
    packets = [bytes(packet) for packet in encoded(tone(440)[np.newaxis])]
    assert decoder.decode(b"").shape == (2, 0)
    assert decoder.decode(packets[0]).shape == (2, FRAME)
    assert decoder.decode(b"").shape == (2, 0)
    assert decoder.decode(packets[1]).shape == (2, FRAME)


def test_a_damaged_packet_is_said_and_the_next_is_decoded():
    decoder = make_decoder(1)
    packets = [bytes(packet) for packet in encoded(tone(440)[np.newaxis])]
    for packet in packets[:10]:
        decoder.decode(packet)
    with pytest.raises(ValueError):
        decoder.decode(b"\xff\xff\xff\xff")
    heard = np.concatenate([decoder.decode(packet) for packet in packets[10:]], axis=1)
    assert loudness(heard[0, FRAME:]) == pytest.approx(loudness(tone(440)), rel=0.1)


@pytest.mark.parametrize("milliseconds", [10, 40, 60])
def test_packets_of_other_lengths(milliseconds):
    codec = av.CodecContext.create("libopus", "w")
    codec.format, codec.layout, codec.sample_rate = "s16", "mono", OPUS_RATE
    codec.options = {"frame_duration": str(milliseconds)}
    size = OPUS_RATE * milliseconds // 1000
    frame = av.AudioFrame.from_ndarray(tone(440)[np.newaxis, :size], format="s16", layout="mono")
    frame.sample_rate = OPUS_RATE
    (packet,) = codec.encode(frame)
    assert make_decoder(1).decode(bytes(packet)).shape == (1, size)


@given(st.binary(max_size=200), st.sampled_from([1, 2]))
def test_any_bytes(payload, channels):
    decoder = make_decoder(channels)
    for _ in range(2):
        try:
            samples = decoder.decode(payload)
        except ValueError:
            continue
        assert samples.dtype == np.int16
        assert samples.shape[0] == channels
        assert samples.shape[1] <= 0.12 * OPUS_RATE


@pytest.mark.parametrize("rate", LOWER_RATES)
def test_decoding_to_a_lower_rate_is_as_good_as_resampling(rate: int):
    # A sine that both rates have, and one that only the higher rate has.
    low, high = tone(rate / 5), tone(min(20_000, 0.8 * rate))
    packets = [bytes(packet) for packet in encoded(low[np.newaxis])]
    disturbed = [bytes(packet) for packet in encoded((low // 2 + high // 2)[np.newaxis])]
    heard = {}
    for name, sent in (("low", packets), ("both", disturbed)):
        direct = make_decoder(1, rate)
        assert direct.rate == rate
        heard[name] = np.concatenate([direct.decode(packet) for packet in sent], axis=1)[0]
    k = np.arange(rate // 2, rate - rate // 10)
    wave = np.exp(2j * np.pi * (rate / 5) * k / rate)

    def noise_db(samples: np.ndarray) -> float:
        """How loud all else than the sine is, relative to it."""
        part = samples[k].astype(float)
        amplitude = 2 * np.mean(part * wave.conj())
        rest = part - (amplitude * wave).real
        return 10 * np.log10(np.mean(rest**2) / (np.abs(amplitude) ** 2 / 2))

    assert heard["low"].size == rate
    assert noise_db(heard["low"]) < -25
    assert noise_db(heard["both"]) < -20, "what is above half the rate is not folded down"


@pytest.mark.parametrize("rate", [11025, 22050, 44100, 48000])
def test_other_rates_are_decoded_at_48_khz(rate: int):
    assert make_decoder(1, rate).rate == OPUS_RATE
