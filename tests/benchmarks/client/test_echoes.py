"""Finding loud frames and a sine in what comes back."""

import numpy as np
import pytest

from benchmarks.client.echoes import SINE_HZ, loud_moments, loud_script, signal_to_noise
from benchmarks.client.socket import PhoneClient, SocketClient, from_mulaw, to_mulaw


@pytest.mark.parametrize("rate", [SocketClient.RATE, PhoneClient.RATE])
def test_one_loud_moment_a_second_however_the_sound_is_cut(rate):
    sound = loud_script(5, rate)
    for size in (rate // 50, rate // 30):
        pieces = [(k / rate, sound[k : k + size]) for k in range(0, sound.size - size + 1, size)]
        assert loud_moments(pieces, rate) == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5], abs=0.04)


def test_a_sine_stands_out_by_the_noise_that_is_added():
    rate = 24_000
    sine = 10_000 * np.sin(2 * np.pi * SINE_HZ * np.arange(rate) / rate)
    noise = np.random.default_rng(1).normal(0, 1, rate) * 10_000 / np.sqrt(2) / 100
    assert signal_to_noise(sine + noise, rate) == pytest.approx(40, abs=0.5)


def test_mulaw_loses_little():
    sound = np.arange(-32_000, 32_000, 7).astype(np.int16)
    back = from_mulaw(to_mulaw(sound))
    assert np.abs(back.astype(int) - sound).max() <= np.abs(sound.astype(int)).max() / 30
