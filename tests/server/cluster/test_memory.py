import pytest

from fastrtc.server.cluster.directory import LOST_AFTER_S, Directory, Key
from fastrtc.server.cluster.memory import MemoryDirectory
from tests.server.cluster.contract import DirectoryContract
from tests.server.cluster.race import check_race, race_of_threads


class MemoryStore:
    """One directory, which all nodes share, in virtual time."""

    lost_after_s = LOST_AFTER_S

    def __init__(self) -> None:
        self.now = 0.0
        self.directory = MemoryDirectory(clock=lambda: self.now)

    def connect(self) -> Directory:
        return self.directory

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds


class TestMemoryDirectory(DirectoryContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    async def test_only_unexpired_items_are_kept(
        self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fastrtc.server.cluster.memory.MAX_WAITING_KEYS", 100)
        for number in range(1000):
            await store.directory.find(Key("/", str(number)), b"item", ttl_s=1)
            await store.pass_time(0.1)
        assert len(store.directory._waiting) <= 100


def test_threads_share_it() -> None:
    directory = MemoryDirectory(lost_after_s=60)
    check_race(directory, *race_of_threads(directory))
