"""What a node owns, while its directory is reachable, is not, and has lost its data."""

import asyncio
import logging
from typing import Any

import pytest

from fastrtc.core.tasks import TaskOwner
from fastrtc.server.cluster.client import NodeUnreachable
from fastrtc.server.cluster.directory import DirectoryUnreachable, FleetFull, Key, Node
from fastrtc.server.cluster.memory import MemoryDirectory
from fastrtc.server.cluster.ownership import DIRECTORY_TIMEOUT_S, Ownership
from tests.support.cluster import FailingDirectory
from tests.support.virtual_time import virtual_time

KEY, OTHER = Key("/", "a"), Key("/", "b")


class Owner:
    """A node without an endpoint."""

    def __init__(self, directory: Any, id: str = "n1") -> None:
        self.tasks = TaskOwner("test")
        self.seen: list[str] = []
        self.items: list[tuple[Key, list[bytes]]] = []
        self.lost: list[Key] = []
        self.owned = Ownership(
            directory,
            self.tasks,
            lambda: Node(id, f"http://{id}"),
            self.record,
            self.collect,
            lambda key: self.lost.append(key),
        )

    def record(self, nodes: Any) -> None:
        self.seen = sorted(node.id for node in nodes)

    async def collect(self, key: Key, items: Any) -> None:
        self.items.append((key, list(items)))

    async def end(self) -> None:
        self.tasks.cancel()
        await self.tasks.join(1.0)


@virtual_time
async def test_a_key_is_owned_until_it_is_released():
    directory = MemoryDirectory()
    one, two = Owner(directory), Owner(directory, "n2")
    assert (await one.owned.claim(KEY)).owner == "n1"
    assert (await two.owned.claim(KEY)).owner == "n1"
    assert two.owned.known_owner(KEY) == "n1"
    two.owned.release(KEY)  # it does not own it
    one.owned.release(KEY)
    await asyncio.sleep(0.1)
    assert await two.owned.find(KEY) is None
    assert (await two.owned.claim(KEY)).owner == "n2"


@virtual_time
async def test_a_key_that_is_claimed_again_at_once_stays():
    one = Owner(MemoryDirectory())
    await one.owned.claim(KEY)
    for _ in range(5):
        one.owned.release(KEY)
        await one.owned.claim(KEY)
    await asyncio.sleep(0.1)
    assert await one.owned.find(KEY) == "n1"


@virtual_time
async def test_heartbeats_keep_a_node_alive_and_tell_it_of_others():
    directory = MemoryDirectory(clock=asyncio.get_running_loop().time)
    one, two = Owner(directory), Owner(directory, "n2")
    for node in (one, two):
        await node.owned.beat()
    one.tasks.start(one.owned.send_heartbeats(1.0), "heartbeats")
    assert two.seen == ["n1", "n2"]
    await asyncio.sleep(10)
    assert one.seen == ["n1"]
    await one.end()


@virtual_time
async def test_a_directory_that_lost_its_data_is_filled_again():
    directory = MemoryDirectory()
    one = Owner(directory)
    await one.owned.claim(KEY)
    await directory.leave("n1")
    await one.owned.beat()
    assert await directory.find(KEY) == "n1"

    await directory.leave("n1")
    await one.owned.claim(OTHER)
    assert await directory.find(KEY) == await directory.find(OTHER) == "n1"


@virtual_time
async def test_a_directory_that_is_down_stops_nothing():
    directory = FailingDirectory()
    one, two = Owner(directory), Owner(directory, "n2")
    await one.owned.claim(KEY)
    await two.owned.beat()
    directory.down = True
    assert (await one.owned.claim(OTHER)).owner == "n1"  # granted, and recorded later
    with pytest.raises(DirectoryUnreachable):
        await one.owned.find(KEY)
    before = directory.operations
    await one.owned.claim(Key("/", "c"))
    assert directory.operations == before  # it is not asked again until a heartbeat succeeds
    one.owned.release(KEY)
    await asyncio.sleep(0.1)

    directory.down = False
    await one.owned.beat()
    assert one.owned.reachable
    assert await directory.find(KEY) is None
    assert await directory.find(OTHER) == "n1"
    assert await two.owned.find(Key("/", "c")) == "n1"


@virtual_time
async def test_what_was_left_for_a_key_that_the_directory_had_lost_is_collected():
    directory = MemoryDirectory()
    one, two = Owner(directory), Owner(directory, "n2")
    await one.owned.claim(KEY)
    await directory.leave("n1")
    assert await two.owned.find(KEY, b"item") is None
    one.tasks.start(one.owned.send_heartbeats(1.0), "heartbeats")
    await asyncio.sleep(4)
    assert one.items == [(KEY, [b"item"])]
    await one.end()


@virtual_time
async def test_a_key_that_another_node_got_meanwhile_stays_with_it():
    directory = FailingDirectory()
    one, two = Owner(directory), Owner(directory, "n2")
    await one.owned.beat()
    directory.down = True
    await one.owned.claim(KEY)
    directory.down = False
    await two.owned.claim(KEY)
    await one.owned.beat()
    assert await directory.find(KEY) == "n2"
    one.owned.release(KEY)
    await asyncio.sleep(0.1)
    assert await directory.find(KEY) == "n2"


@virtual_time
async def test_a_key_that_another_node_got_while_this_one_counted_as_dead_is_lost():
    directory = MemoryDirectory()
    one, two = Owner(directory), Owner(directory, "n2")
    for key in (KEY, OTHER):
        await one.owned.claim(key)
    await one.owned.beat()
    await directory.leave("n1")
    await two.owned.claim(KEY)
    one.tasks.start(one.owned.send_heartbeats(1.0), "heartbeats")
    await asyncio.sleep(4)
    assert one.lost == [KEY] and await directory.find(OTHER) == "n1"
    two.owned.release(KEY)
    await asyncio.sleep(0.1)
    await directory.leave("n1")
    await asyncio.sleep(4)
    assert await directory.find(KEY) is None and not one.owned._forgotten
    await one.end()


@virtual_time
async def test_a_key_that_two_nodes_got_while_the_directory_was_down_is_not_lost():
    directory = FailingDirectory()
    one, two = Owner(directory), Owner(directory, "n2")
    for node in (one, two):
        await node.owned.beat()
    directory.down = True
    for node in (one, two):
        await node.owned.claim(KEY)
    directory.down = False
    for node in (one, two):
        node.tasks.start(node.owned.send_heartbeats(1.0), "heartbeats")
    await asyncio.sleep(5)
    assert one.lost == two.lost == []
    for node in (one, two):
        await node.end()


async def test_one_line_says_that_it_is_down_and_one_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO)
    directory = FailingDirectory()
    one = Owner(directory)
    directory.down = True
    for _ in range(3):
        await one.owned.beat()
        await one.owned.claim(KEY)
    directory.down = False
    for _ in range(3):
        await one.owned.beat()
    levels = [(record.levelname, "reachable" in record.message) for record in caplog.records]
    assert levels == [("WARNING", True), ("WARNING", True)]


class HangingDirectory(MemoryDirectory):
    """A directory whose operations do not end."""

    async def beat(self, *args: Any) -> Any:
        await asyncio.Event().wait()

    claim = find = leave = release = beat  # type: ignore[assignment]


@virtual_time
async def test_a_directory_that_hangs_costs_one_bounded_wait():
    one = Owner(HangingDirectory())
    time = asyncio.get_running_loop().time
    start = time()
    claims = await asyncio.gather(*(one.owned.claim(Key("/", f"{n}")) for n in range(100)))
    assert all(claim.owner == "n1" for claim in claims)
    assert time() - start < DIRECTORY_TIMEOUT_S + 0.5
    await one.owned.leave()
    assert time() - start < DIRECTORY_TIMEOUT_S + 0.5


@virtual_time
async def test_a_cancelled_claim_is_given_up_with_the_next_heartbeat():
    class Slow(MemoryDirectory):
        async def claim(self, *args: Any) -> Any:
            claim = await super().claim(*args)
            await asyncio.sleep(1)
            return claim

    directory = Slow()
    one = Owner(directory)
    claiming = asyncio.ensure_future(one.owned.claim(KEY))
    await asyncio.sleep(0.5)
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)
    assert await directory.find(KEY) == "n1"
    await one.owned.beat()
    assert await directory.find(KEY) is None


@virtual_time
async def test_a_key_that_is_released_while_it_is_claimed_is_given_up_for_ever():
    class Slow(MemoryDirectory):
        async def claim(self, *args: Any) -> Any:
            await asyncio.sleep(1)
            return await super().claim(*args)

    directory = Slow()
    one = Owner(directory)
    await one.owned.claim(KEY)
    claiming = asyncio.ensure_future(one.owned.claim(KEY))  # for what was left for it
    await asyncio.sleep(0.5)
    one.owned.release(KEY)
    await claiming
    await asyncio.sleep(0.1)
    await directory.leave("n1")
    await one.owned.beat()
    assert await directory.find(KEY) is None


@virtual_time
async def test_the_total_limit_counts_all_nodes():
    directory = MemoryDirectory()
    one, two = Owner(directory), Owner(directory, "n2")
    await one.owned.claim(KEY, 2)
    await two.owned.claim(OTHER, 2)
    with pytest.raises(FleetFull):
        await two.owned.claim(Key("/", "c"), 2)
    assert (await one.owned.claim(KEY, 2)).owner == "n1"  # its own
    await two.owned.leave()
    await one.owned.claim(Key("/", "c"), 2)


@virtual_time
async def test_the_owners_that_are_remembered_are_bounded():
    one, two = Owner(directory := MemoryDirectory()), None
    two = Owner(directory, "n2")
    await two.owned.beat()
    for number in range(5000):
        key = Key("/", f"{number}")
        await directory.claim(key, "n2")
        await one.owned.find(key)
    assert one.owned.known_owner(Key("/", "0")) is None
    assert one.owned.known_owner(Key("/", "4999")) == "n2"
    one.owned.forget_owner(Key("/", "4999"))
    assert one.owned.known_owner(Key("/", "4999")) is None


@virtual_time
async def test_an_owner_that_the_directory_has_lost_is_found_after_its_next_heartbeat():
    clock = asyncio.get_running_loop().time
    directory = FailingDirectory(clock)
    one, two = Owner(directory), Owner(directory, "n2")
    for node in (one, two):
        await node.owned.beat()
    await one.owned.claim(KEY)
    for loses_both in (True, False):
        directory.restart()
        if not loses_both:  # the node that looks has been the first to notice
            await two.owned.beat()
        finding = asyncio.create_task(two.owned.find_owner(KEY, 2.0))
        await asyncio.sleep(0.9)
        assert not finding.done()
        await one.owned.beat()
        assert await asyncio.wait_for(finding, 1.0) == "n1"


@virtual_time
async def test_an_owner_that_nobody_knows_is_waited_for_only_after_a_loss():
    clock = asyncio.get_running_loop().time
    directory = FailingDirectory(clock)
    one = Owner(directory)
    await one.owned.beat()
    began = clock()
    assert await one.owned.find_owner(KEY, 2.0) is None
    assert clock() == began
    directory.restart()
    assert await one.owned.find_owner(KEY, 2.0) is None
    assert began + 2.0 <= clock() < began + 4.0
    began = clock()
    assert await one.owned.find_owner(KEY, 2.0) is None
    assert clock() == began


@virtual_time
async def test_many_that_look_for_owners_fill_the_directory_once():
    directory = FailingDirectory()
    one = Owner(directory)
    await one.owned.claim(KEY)
    directory.restart()
    found = (one.owned.find_owner(Key("/", str(number)), 0.05) for number in range(100))
    assert await asyncio.gather(*found) == [None] * 100
    assert directory.operations < 100 * 4 + 10


@virtual_time
async def test_an_owner_is_waited_for_while_its_directory_is_started_again():
    directory = FailingDirectory()
    one, two = Owner(directory), Owner(directory, "n2")
    for node in (one, two):
        await node.owned.beat()
    await one.owned.claim(KEY)
    directory.down = True
    finding = asyncio.create_task(two.owned.find_owner(KEY, 2.0))
    await asyncio.sleep(1.5)
    directory.restart()
    await two.owned.beat()
    await asyncio.sleep(0.9)
    assert not finding.done()
    await one.owned.beat()
    assert await asyncio.wait_for(finding, 1.0) == "n1"


@virtual_time
async def test_a_directory_that_stays_down_is_waited_for_once():
    clock = asyncio.get_running_loop().time
    directory = FailingDirectory()
    one = Owner(directory)
    await one.owned.beat()
    directory.down = True
    for shortest, longest in ((2.0, 2.6), (0.0, 0.0)):
        began = clock()
        with pytest.raises(DirectoryUnreachable):
            await one.owned.find_owner(KEY, 2.0)
        assert shortest <= clock() - began <= longest


@virtual_time
async def test_a_directory_that_fails_again_and_again_is_waited_for_twice_as_long():
    clock = asyncio.get_running_loop().time
    directory = FailingDirectory()
    one = Owner(directory)

    async def fail_again_and_again() -> None:
        while True:
            await one.owned.beat()
            await asyncio.sleep(0.7)
            directory.down = not directory.down

    failing = asyncio.create_task(fail_again_and_again())
    await asyncio.sleep(1.0)
    for _ in range(4):  # it is up or down at the end
        began = clock()
        finding = one.owned.find_owner(KEY, 2.0)
        (found,) = await asyncio.wait_for(asyncio.gather(finding, return_exceptions=True), 10.0)
        assert found is None or isinstance(found, DirectoryUnreachable)
        assert 4.0 <= clock() - began <= 4.6
    failing.cancel()
    await asyncio.gather(failing, return_exceptions=True)


@virtual_time
async def test_a_request_to_a_node_that_has_died_is_given_up():
    clock = asyncio.get_running_loop().time
    directory = FailingDirectory(clock)
    one, two = Owner(directory), Owner(directory, "n2")
    for node in (one, two):
        node.tasks.start(node.owned.send_heartbeats(1.0), "heartbeats")
    await asyncio.sleep(5.0)
    assert await one.owned.while_alive("n2", asyncio.sleep(30.0, "answer"), 4.0) == "answer"

    began = clock()
    waiting = asyncio.create_task(one.owned.while_alive("n2", asyncio.sleep(30.0), 4.0))
    directory.down = True
    await asyncio.sleep(10.0)
    directory.down = False  # what is not known to be dead may answer
    await asyncio.sleep(5.0)
    await two.end()
    with pytest.raises(NodeUnreachable, match="n2 is gone"):
        await waiting
    assert 15.0 + 4.0 <= clock() - began < 15.0 + 4.0 + 4.0 + 1.0

    async def fail() -> None:
        raise NodeUnreachable("it refuses")

    with pytest.raises(NodeUnreachable, match="it refuses"):
        await one.owned.while_alive("n1", fail(), 4.0)
    await one.end()
