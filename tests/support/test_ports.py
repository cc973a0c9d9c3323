import socket

import pytest

from tests.support import ports
from tests.support.ports import PORTS, STRETCHES, free_port


def test_another_free_port_each_time() -> None:
    chosen = [free_port() for _ in range(100)]
    assert len(set(chosen)) == 100
    assert set(chosen) <= set(PORTS)


def test_workers_have_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    stretches = []
    for number in range(STRETCHES):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        assert free_port() in ports._stretch()
        stretches.append(ports._stretch())
    assert sum(map(len, stretches)) == len(set().union(*stretches)) == len(PORTS)
    monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{STRETCHES}")
    assert ports._stretch() == stretches[0]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_is_used_is_not_chosen(
    kind: socket.SocketKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET, kind) as used:
        used.bind(("127.0.0.1", free_port()))
        taken = used.getsockname()[1]
        monkeypatch.setattr(ports, "PORTS", range(taken, taken + 1))
        monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
        with pytest.raises(OSError, match="no port"):
            free_port()


def test_ports_are_chosen_again_when_all_were(monkeypatch: pytest.MonkeyPatch) -> None:
    few = range(free_port(), PORTS.stop)[:1]
    monkeypatch.setattr(ports, "PORTS", few)
    monkeypatch.setattr(ports, "_chosen", set())
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    assert [free_port(), free_port()] == [few[0]] * 2
