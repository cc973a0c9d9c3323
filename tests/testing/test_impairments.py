"""Faults of the network, and noise of the room."""

from itertools import pairwise

import numpy as np
import pytest

from fastrtc.testing.impairments import Network, Room

SENT = [0.02 * n for n in range(5000)]


def arrivals(network: Network, name: str = "x") -> list[float | None]:
    path = network.path(name)
    return [path.arrival_s(sent) for sent in SENT]


def test_a_perfect_network_changes_nothing() -> None:
    assert Network().perfect
    assert arrivals(Network()) == SENT


def test_loss() -> None:
    lost = arrivals(Network(loss=0.1)).count(None)
    assert lost == pytest.approx(500, rel=0.2)
    assert set(arrivals(Network(loss=1.0))) == {None}


def test_jitter() -> None:
    delays = [
        at - sent for at, sent in zip(arrivals(Network(jitter_ms=40)), SENT, strict=True) if at
    ]
    assert 0 <= min(delays) < 0.001 and 0.039 < max(delays) <= 0.04 + 1e-9


def test_reordering() -> None:
    found = arrivals(Network(reorder=0.2))
    assert all(at is not None for at in found)
    swapped = sum(one > other for one, other in pairwise(found))  # type: ignore[operator]
    assert swapped == pytest.approx(800, rel=0.2)  # two late ones in a row keep their order


def test_outage() -> None:
    found = arrivals(Network(outage=(5.0, 1.0)))
    assert [sent for sent, at in zip(SENT, found, strict=True) if at is None] == SENT[250:300]


def test_the_same_seed_gives_the_same_faults() -> None:
    network = Network(loss=0.1, jitter_ms=40, reorder=0.1, seed=3)
    assert arrivals(network) == arrivals(network)
    assert arrivals(network) != arrivals(network, "y")
    assert arrivals(network) != arrivals(Network(loss=0.1, jitter_ms=40, reorder=0.1, seed=4))


def test_more_faults_do_not_change_which_packets_are_lost() -> None:
    lost = [at is None for at in arrivals(Network(loss=0.1))]
    assert lost == [at is None for at in arrivals(Network(loss=0.1, jitter_ms=40, reorder=0.5))]


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": -0.1},
        {"loss": 1.1},
        {"loss": float("nan")},
        {"reorder": 2},
        {"jitter_ms": -1},
        {"jitter_ms": float("inf")},
        {"outage": (5.0,)},
        {"outage": (-1.0, 1.0)},
    ],
)
def test_wrong_values_are_named(wrong: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Network(**wrong)


def test_noise_has_its_level() -> None:
    frame = np.zeros(48_000, np.int16)
    assert Room().add_noise(frame) is frame
    noise = Room(-40).add_noise(frame).astype(float)
    assert 20 * np.log10(np.sqrt(np.mean(noise**2)) / 32767) == pytest.approx(-40, abs=0.2)
    assert np.array_equal(noise, Room(-40).add_noise(frame))
    assert not np.array_equal(noise, Room(-40, seed=1).add_noise(frame))


def test_loud_noise_is_clipped() -> None:
    loud = Room(0).add_noise(np.full(1000, 30_000, np.int16))
    assert loud.max() == 32767 and loud.min() < 0


def test_a_wrong_level_is_named() -> None:
    with pytest.raises(ValueError, match="noise_db"):
        Room(3)
