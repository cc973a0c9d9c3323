"""Nodes that claim the same keys at the same time."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

from fastrtc.server.cluster.directory import Directory, FleetFull, Key, Node

__all__ = ["check_race", "race_of_processes", "race_of_threads"]

NAMES = [f"n{number}" for number in range(4)]
KEYS, LIMIT = 60, 50
WAITING = 10

OPERATION_TIMEOUT_S = 50.0
"""Processes that start at once take long for an operation on a slow machine, in seconds."""

PROCESS = """
import asyncio, json, sys
import {module} as module
from tests.server.cluster.race import OPERATION_TIMEOUT_S, claim_all
module.OPERATION_TIMEOUT_S = OPERATION_TIMEOUT_S
directory = module.{name}({place!r}, lost_after_s=60)
print(json.dumps(asyncio.run(claim_all(directory, sys.argv[1]))))
"""


async def claim_all(directory: Directory, name: str) -> list[int]:
    """Try to claim all keys for a node, leave an item before each, and return the granted ones."""
    granted = []
    await directory.beat(Node(name, f"unix:/{name}"), ())
    for number in range(KEYS):
        key = Key("/items", str(number % WAITING))
        await directory.find(key, f"{name} {number // WAITING}".encode(), 60)
        try:
            owner, _ = await directory.claim(Key("/", str(number)), name, total_limit=LIMIT)
        except FleetFull:
            continue
        if owner == name:
            granted.append(number)
    await directory.close()
    return granted


def race_of_processes(kind: type, place: object) -> list[list[int]]:
    """Run `claim_all` in a process for each node."""
    program = PROCESS.format(module=kind.__module__, name=kind.__name__, place=str(place))
    processes = [
        subprocess.Popen([sys.executable, "-c", program, name], stdout=subprocess.PIPE, text=True)
        for name in NAMES
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(NAMES)
    return [json.loads(output) for output in outputs]


def race_of_threads(directory: Directory) -> list[list[int]]:
    """Run `claim_all` in a thread for each node."""
    with ThreadPoolExecutor(len(NAMES)) as threads:
        return list(threads.map(lambda name: asyncio.run(claim_all(directory, name)), NAMES))


def check_race(directory: Directory, *granted: Sequence[int]) -> None:
    """Check that the directory is what it told the nodes, and that no item is lost."""
    assert len(sum(map(list, granted), [])) == len(set(sum(map(list, granted), []))) == LIMIT
    expected = {number: name for name, keys in zip(NAMES, granted, strict=True) for number in keys}
    module = sys.modules[type(directory).__module__]
    with patch.object(module, "OPERATION_TIMEOUT_S", OPERATION_TIMEOUT_S, create=True):
        owners, items = asyncio.run(_read_all(directory))
    assert owners == expected
    assert Counter(item.split()[0].decode() for item in items) == dict.fromkeys(NAMES, KEYS)
    assert len(items) == len(set(items)) * WAITING


async def _read_all(directory: Directory) -> tuple[dict[int, str], list[bytes]]:
    """Return the owner of each key, and take the items."""
    owners = {number: await directory.find(Key("/", str(number))) for number in range(KEYS)}
    await directory.beat(Node("last", "unix:/last"), ())
    items: list[bytes] = []
    for number in range(WAITING):
        items += (await directory.claim(Key("/items", str(number)), "last")).items
    await directory.close()
    return {number: owner for number, owner in owners.items() if owner is not None}, items
