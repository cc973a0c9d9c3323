"""What every directory has to do. The test modules of the directories run these tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import pytest

from fastrtc.server.cluster.directory import (
    MAX_ITEM_BYTES,
    MAX_ITEMS,
    MAX_PEERS,
    Claim,
    Directory,
    FleetFull,
    Key,
    Node,
    NodeUnknown,
)

__all__ = ["DirectoryContract", "Store", "node"]

KEY = Key("/", "client")
OTHER = Key("/", "other client")
STRANGE = Key("/ü", "line\nbreak \0 \N{SPIDER} '\" ")


class Store(Protocol):
    """Where the directories of several nodes keep their data."""

    lost_after_s: float

    def connect(self) -> Directory:
        """Return a directory as a node has it: a connection to the same data."""

    async def pass_time(self, seconds: float) -> None:
        """Have time pass for all directories."""


def node(name: str, sessions: int = 0) -> Node:
    return Node(name, f"unix:/run/{name}.sock", sessions, 10, False, {"/": 10 - sessions})


async def owners(*directories: Directory) -> list[str | None]:
    return [await directory.find(KEY) for directory in directories]


class DirectoryContract:
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        raise NotImplementedError

    @pytest.fixture
    async def a(self, store: Store) -> AsyncIterator[Directory]:
        """The directory of the node "a", which is live."""
        directory = store.connect()
        await directory.beat(node("a"), ())
        yield directory
        await directory.close()

    @pytest.fixture
    async def b(self, store: Store) -> AsyncIterator[Directory]:
        directory = store.connect()
        await directory.beat(node("b"), ())
        yield directory
        await directory.close()

    async def lose_a(self, store: Store, b: Directory) -> None:
        """Have the node "a" die, while "b" lives on."""
        for _ in range(4):
            await store.pass_time(store.lost_after_s * 0.4)
            with contextlib.suppress(NodeUnknown):  # a machine that stalls
                await b.beat(node("b"))
        await b.beat(node("b"), ())

    # --- Nodes

    async def test_a_heartbeat_returns_the_live_nodes(self, a: Directory, b: Directory) -> None:
        seen = await a.beat(node("a", sessions=4))
        assert sorted(seen, key=lambda one: one.id) == [node("a", sessions=4), node("b")]
        assert node("a", sessions=4) in await b.beat(node("b"))

    async def test_a_node_is_found_by_its_id(self, a: Directory, b: Directory) -> None:
        assert await b.node("a") == node("a")
        assert await b.node("c") is None

    async def test_of_many_nodes_a_heartbeat_returns_some(self, a: Directory) -> None:
        for number in range(MAX_PEERS + 10):
            await a.beat(node(f"n{number}"), ())
        seen = [one.id for one in await a.beat(node("a"))]
        assert len(seen) == len(set(seen)) == MAX_PEERS
        assert "a" in seen

    async def test_an_unknown_node_has_to_name_its_keys(self, a: Directory) -> None:
        with pytest.raises(NodeUnknown):
            await a.beat(node("c"))
        with pytest.raises(NodeUnknown):
            await a.claim(KEY, "c")
        await a.beat(node("c"), [KEY])
        assert await a.find(KEY) == "c"

    async def test_a_node_that_leaves_owns_nothing(self, a: Directory, b: Directory) -> None:
        await a.claim(KEY, "a")
        await a.leave("a")
        assert await owners(a, b) == [None, None]
        assert [one.id for one in await b.beat(node("b"))] == ["b"]
        await a.leave("a")
        await a.leave("unknown")
        with pytest.raises(NodeUnknown):
            await a.beat(node("a"))

    async def test_a_dead_node_owns_nothing(self, store: Store, a: Directory, b: Directory) -> None:
        await a.claim(KEY, "a")
        await self.lose_a(store, b)
        assert await b.node("a") is None
        assert await b.find(KEY) is None
        assert await b.claim(KEY, "b") == Claim("b", [])
        with pytest.raises(NodeUnknown):
            await a.beat(node("a"))
        with pytest.raises(NodeUnknown):
            await a.claim(OTHER, "a")

    async def test_a_node_that_is_back_gets_what_no_other_owns(
        self, store: Store, a: Directory, b: Directory
    ) -> None:
        await a.claim(KEY, "a")
        await a.claim(OTHER, "a")
        await self.lose_a(store, b)
        await b.claim(KEY, "b")
        await a.beat(node("a"), [KEY, OTHER])
        await b.beat(node("b"), [KEY])
        assert await b.find(KEY) == "b"
        assert await b.find(OTHER) == "a"

    async def test_a_heartbeat_with_keys_replaces_those_before(
        self, a: Directory, b: Directory
    ) -> None:
        await a.claim(KEY, "a")
        await a.beat(node("a"), [OTHER, STRANGE])
        assert await b.find(KEY) is None
        assert await b.find(OTHER) == await b.find(STRANGE) == "a"
        await a.beat(node("a"))
        assert await b.find(OTHER) == "a"
        await a.beat(node("a"), ())
        assert await b.find(OTHER) is None

    async def test_a_node_has_thousands_of_keys(self, a: Directory, b: Directory) -> None:
        keys = [Key("/", f"client {number}") for number in range(10_000)]
        await a.beat(node("a"), keys)
        assert await b.find(keys[-1]) == "a"
        await a.leave("a")
        assert await b.find(keys[-1]) is None

    # --- Claims

    @pytest.mark.parametrize("key", [KEY, STRANGE], ids=["plain", "strange"])
    async def test_a_key_has_one_owner(self, a: Directory, b: Directory, key: Key) -> None:
        assert await b.find(key) is None
        assert await a.claim(key, "a") == Claim("a", [])
        assert await b.claim(key, "b") == Claim("a", [])
        assert await b.find(key) == "a"
        assert await a.claim(key, "a") == Claim("a", [])
        await b.release(key, "b")
        assert await b.find(key) == "a"
        await a.release(key, "a")
        assert await b.find(key) is None
        assert await b.claim(key, "b") == Claim("b", [])
        await a.release(key, "a")
        assert await a.find(key) == "b"

    async def test_streams_have_ids_of_their_own(self, a: Directory, b: Directory) -> None:
        await a.claim(Key("/one", "client"), "a")
        await b.claim(Key("/two", "client"), "b")
        assert await a.find(Key("/one", "client")) == "a"
        assert await a.find(Key("/two", "client")) == "b"

    async def test_of_many_claims_one_is_granted(self, a: Directory, b: Directory) -> None:
        for number in range(20):
            key = Key("/", str(number))
            claims = await asyncio.gather(
                *[directory.claim(key, name) for directory, name in ((a, "a"), (b, "b")) * 4]
            )
            assert len({claim.owner for claim in claims}) == 1

    async def test_a_total_limit_counts_all_nodes(self, a: Directory, b: Directory) -> None:
        await a.claim(Key("/", "1"), "a", total_limit=2)
        await b.claim(Key("/", "2"), "b", total_limit=2)
        with pytest.raises(FleetFull):
            await a.claim(Key("/", "3"), "a", total_limit=2)
        assert await a.claim(Key("/", "1"), "a", total_limit=2) == Claim("a", [])
        assert (await a.claim(Key("/", "2"), "a", total_limit=2)).owner == "b"
        await a.claim(Key("/other", "3"), "a", total_limit=1)
        await a.release(Key("/", "1"), "a")
        await b.claim(Key("/", "3"), "b", total_limit=2)
        with pytest.raises(FleetFull):
            await a.claim(Key("/", "4"), "a", total_limit=0)

    async def test_a_total_limit_does_not_count_dead_nodes(
        self, store: Store, a: Directory, b: Directory
    ) -> None:
        await a.claim(KEY, "a", total_limit=1)
        with pytest.raises(FleetFull):
            await b.claim(OTHER, "b", total_limit=1)
        await self.lose_a(store, b)
        assert await b.claim(OTHER, "b", total_limit=1) == Claim("b", [])
        await a.beat(node("a"), [KEY])
        with pytest.raises(FleetFull):
            await b.claim(Key("/", "third"), "b", total_limit=2)
        await a.beat(node("a"), ())
        await b.claim(Key("/", "third"), "b", total_limit=2)

    async def test_a_total_limit_holds_when_all_claim_at_once(
        self, a: Directory, b: Directory
    ) -> None:
        results = await asyncio.gather(
            *[a.claim(Key("/", f"a{number}"), "a", 7) for number in range(10)],
            *[b.claim(Key("/", f"b{number}"), "b", 7) for number in range(10)],
            return_exceptions=True,
        )
        assert sum(isinstance(result, Claim) for result in results) == 7
        assert sum(isinstance(result, FleetFull) for result in results) == 13

    # --- Items left for the future owner

    @pytest.mark.parametrize("key", [KEY, STRANGE], ids=["plain", "strange"])
    async def test_the_owner_gets_what_was_left_for_it(
        self, a: Directory, b: Directory, key: Key
    ) -> None:
        items = [b"candidate 1", b"", b"\0\xff\n", "ü".encode(), b"12:3"]
        for item in items:
            assert await b.find(key, item) is None
        assert await a.claim(key, "a") == Claim("a", items)
        assert await a.claim(key, "a") == Claim("a", [])
        assert await b.find(key, b"late") == "a"
        await a.release(key, "a")
        assert await a.claim(key, "a") == Claim("a", [])

    async def test_items_stay_if_the_claim_is_refused(self, a: Directory, b: Directory) -> None:
        await a.claim(OTHER, "a")
        await b.find(KEY, b"candidate")
        with pytest.raises(FleetFull):
            await a.claim(KEY, "a", total_limit=1)
        assert await a.claim(KEY, "a", total_limit=2) == Claim("a", [b"candidate"])

    async def test_each_item_is_taken_once(self, a: Directory, b: Directory) -> None:
        for number in range(10):
            key = Key("/", str(number))
            await asyncio.gather(*[b.find(key, bytes([item])) for item in range(5)])
            claims = await asyncio.gather(
                *[directory.claim(key, name) for directory, name in ((a, "a"), (b, "b")) * 3]
            )
            taken = sorted(item for claim in claims for item in claim.items)
            assert taken == [bytes([item]) for item in range(5)]

    async def test_items_expire(self, store: Store, a: Directory, b: Directory) -> None:
        await b.find(KEY, b"short", ttl_s=store.lost_after_s * 0.1)
        await b.find(KEY, b"long", ttl_s=1000)
        await b.find(OTHER, b"short", ttl_s=store.lost_after_s * 0.1)
        await store.pass_time(store.lost_after_s * 0.3)
        await a.beat(node("a"), ())
        assert await a.claim(KEY, "a") == Claim("a", [b"long"])
        assert await a.claim(OTHER, "a") == Claim("a", [])

    async def test_items_are_bounded(self, a: Directory, b: Directory) -> None:
        for number in range(MAX_ITEMS + 5):
            await b.find(KEY, bytes([number]))
        claim = await a.claim(KEY, "a")
        assert list(claim.items) == [bytes([number]) for number in range(MAX_ITEMS)]
        with pytest.raises(ValueError, match="an item may have 65536 bytes, this one has 65537"):
            await b.find(OTHER, b"x" * (MAX_ITEM_BYTES + 1))
        await b.find(OTHER, b"x" * (MAX_ITEM_BYTES - 10))
        await b.find(OTHER, b"y" * 11)
        await b.find(OTHER, b"z" * 10)
        items = (await a.claim(OTHER, "a")).items
        assert [item[:1] for item in items] == [b"x", b"z"]

    async def test_keys_with_items_are_bounded(
        self, a: Directory, b: Directory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"{type(a).__module__}.MAX_WAITING_KEYS", 3)
        for number, ttl_s in enumerate((50, 20, 40, 30, 60)):
            await b.find(Key("/", str(number)), b"item", ttl_s)
        left = [bool((await a.claim(Key("/", str(number)), "a")).items) for number in range(5)]
        assert left == [True, False, True, False, True]

    # --- Life cycle

    async def test_it_can_be_closed_twice(self, store: Store, b: Directory) -> None:
        directory = store.connect()
        await directory.beat(node("c"), ())
        await directory.close()
        await directory.close()
        assert await b.node("c") == node("c")
