"""Two machines that share a Redis, behind a balancer on a third."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.machines import Machines
from tests.support.network_namespaces import network

LOST = "The directory of the cluster is unreachable"
BACK = "The directory of the cluster is reachable again"
CLIENTS, LATE = 8, 2


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with network(tmp_path) as net:
        yield Machines(net, tmp_path, limit=CLIENTS // 2 + LATE)


def test_machines_find_the_owners_of_connections_also_after_redis_was_lost(
    machines: Machines,
) -> None:
    clients, url = machines.clients, machines.url
    machines.wait_until_ready()
    assert not clients.ask(do="call", url=url, count=CLIENTS)["wrong"]
    sent = clients.ask(do="send_inputs", rounds=2)
    assert not sent["wrong"]
    assert set(sent["owners"]) == {node.pid for node in machines.nodes}

    clients.ask(do="talk")
    machines.redis.stop()
    machines.wait_for(LOST)
    late = clients.ask(do="call", url=url, count=LATE, check=False)
    assert not late["wrong"]
    heard = clients.ask(do="heard")
    assert not heard["again"] and max(heard["gaps"]) < 2.0 + heard["stalled_s"], heard
    machines.start_redis()
    machines.wait_for(BACK)
    sent = clients.ask(do="send_inputs")
    assert not sent["wrong"] and not sent["reopened"]
    assert not clients.ask(do="heard")["again"]
