"""G.711 against the values of ITU-T G.711 and G.191."""

import numpy as np
import pytest

from fastrtc.audio.g711 import decode_alaw, decode_mulaw, encode_alaw, encode_mulaw

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = bytes(range(256))

# Table 2a: the first value at the decoder output of each positive segment, in 14 bits, and the
# character signal on the line.
MULAW = {0xFF: 0, 0xFE: 2, 0xEF: 33, 0xDF: 99, 0xCF: 231, 0xBF: 495, 0xAF: 1023, 0x9F: 2079}
MULAW |= {0x8F: 4191, 0x80: 8031}
# Table 1a in 13 bits, before the inversion of the even bits.
ALAW = {0x80: 1, 0x81: 3, 0x90: 33, 0xA0: 66, 0xB0: 132, 0xC0: 264, 0xD0: 528, 0xE0: 1056}
ALAW |= {0xF0: 2112, 0xFF: 4032}


@pytest.mark.parametrize(("code", "value"), MULAW.items())
def test_mulaw_has_the_values_of_the_recommendation(code: int, value: int) -> None:
    assert decode_mulaw(bytes([code])) == value * 4
    assert decode_mulaw(bytes([code & 0x7F])) == -value * 4
    assert encode_mulaw(np.array([value * 4], np.int16)) == bytes([code])


@pytest.mark.parametrize(("code", "value"), ALAW.items())
def test_alaw_has_the_values_of_the_recommendation(code: int, value: int) -> None:
    assert decode_alaw(bytes([code ^ 0x55])) == value * 8
    assert decode_alaw(bytes([code & 0x7F ^ 0x55])) == -value * 8
    assert encode_alaw(np.array([value * 8], np.int16)) == bytes([code ^ 0x55])


def test_g711_carries_a_thousand_hertz_as_the_recommendation_says() -> None:
    # Tables 5 and 6: these eight bytes, again and again, are a 1 kHz sine of 0 dBm0.
    table_5 = bytes([0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4])
    table_6 = bytes([0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E])
    for wave in (decode_alaw(table_5), decode_mulaw(table_6)):
        volts = wave.astype(float)
        spectrum = np.abs(np.fft.rfft(volts))
        assert spectrum.argmax() == 1
        level = 20 * np.log10(np.sqrt(np.mean(volts**2)) / (32768 / np.sqrt(2)))
        assert level == pytest.approx(-3.15, abs=0.15)  # the overload is at 3.14 or 3.17 dBm0


@pytest.mark.parametrize(
    ("encode", "decode", "lost"),
    [(encode_mulaw, decode_mulaw, {0x7F: 0xFF}), (encode_alaw, decode_alaw, {})],
)
def test_every_code_survives(encode, decode, lost: dict[int, int]) -> None:
    again = encode(decode(EVERY_CODE))
    assert list(again) == [lost.get(code, code) for code in EVERY_CODE]


@pytest.mark.parametrize(
    ("encode", "decode", "first", "top"),
    [(encode_mulaw, decode_mulaw, 8, 32124), (encode_alaw, decode_alaw, 16, 32256)],
)
def test_the_error_is_half_a_step(encode, decode, first, top) -> None:
    got = decode(encode(EVERY_SAMPLE)).astype(int)
    size = np.abs(EVERY_SAMPLE.astype(int))
    assert (np.diff(got) >= 0).all()
    assert got.max() == top and got.min() == -top
    inside = size <= top
    error = np.abs(got - EVERY_SAMPLE)[inside]
    assert (error <= first / 2 + size[inside] / 31).all()


def test_any_shape_is_written_in_its_order() -> None:
    samples = np.arange(-3000, 3000, 500, dtype=np.int16)
    assert encode_mulaw(samples.reshape(1, -1)) == encode_mulaw(samples)
    assert encode_alaw(samples.reshape(-1, 1)) == encode_alaw(samples)
    assert decode_mulaw(b"").shape == (0,)
