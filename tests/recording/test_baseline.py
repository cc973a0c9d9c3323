import random

from fastrtc.recording.baseline import DelayBaseline


def test_it_follows_the_drift_of_a_clock_and_no_jitter() -> None:
    """A sound card that is 200 ppm too fast, and a network with a jitter of 80 ms."""
    jitter, baseline = random.Random(1), DelayBaseline()
    for n in range(14 * 60 * 50):
        real_s = n * 0.02
        baseline.add(real_s * 1.0002 + 500, real_s + 0.05 + jitter.random() * 0.08)
        if n > 50:
            error_s = baseline.offset - (real_s * -0.0002 - 500 + 0.05)
            assert -0.001 < error_s < 0.01, real_s
    baseline.add(2_000.0, 840.0 + 60.0)  # the path is new, or was down for long
    assert baseline.offset == 900.0 - 2_000.0
