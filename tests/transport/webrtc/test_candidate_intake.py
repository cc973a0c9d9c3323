"""With real connections: tests/webrtc/test_trickle.py."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastrtc.core.errors import SessionRefused
from fastrtc.transport.webrtc.candidate_intake import CandidateIntake
from fastrtc.transport.webrtc.candidates import END_OF_CANDIDATES, parse_candidate
from fastrtc.transport.webrtc.ice_targets import MAX_NAMES, SendAllowance, TargetPolicy
from tests.support.peers import eventually


class Connection:
    """What is used of an `RTCPeerConnection`; names are found when a test says so."""

    def __init__(self) -> None:
        self.added: list[str] = []
        self.found = asyncio.Event()

    async def addIceCandidate(self, candidate: Any) -> None:  # noqa: N802
        if candidate.ip.endswith(".local"):
            await self.found.wait()
        if candidate.ip == "broken.local":
            raise OSError("no multicast here")
        self.added.append(candidate.ip)


def intake(pc: Connection, limit: int = 64) -> CandidateIntake:
    return CandidateIntake(
        pc,  # type: ignore[arg-type]
        limit,
        TargetPolicy(),
        SendAllowance(),
        asyncio.ensure_future,  # type: ignore[arg-type]
    )


def candidate(host: str) -> Any:
    return parse_candidate(f"candidate:1 1 udp 2122260223 {host} 50000 typ host")


async def test_candidates_are_added_and_too_many_are_refused() -> None:
    pc = Connection()
    made = intake(pc, limit=2)
    assert not list(made.offered())
    for host in ("192.0.2.1", "192.0.2.2"):
        await made.add(candidate(host))
    with pytest.raises(SessionRefused, match="too_many_candidates"):
        await made.add(candidate("192.0.2.3"))
    assert [one.ip for one in made.offered()] == ["192.0.2.1", "192.0.2.2"]
    await made.add(END_OF_CANDIDATES)  # neither refused nor added
    assert pc.added == ["192.0.2.1", "192.0.2.2"]


async def test_names_are_looked_up_beside_other_candidates() -> None:
    pc = Connection()
    made = intake(pc)
    for host in ("there.local", "broken.local", "192.0.2.1"):
        await made.add(candidate(host))
    await asyncio.sleep(0)
    assert pc.added == ["192.0.2.1"]
    assert made.is_resolving
    pc.found.set()
    await eventually(lambda: not made.is_resolving)
    assert pc.added == ["192.0.2.1", "there.local"]


async def test_few_names_are_looked_up() -> None:
    pc = Connection()
    pc.found.set()
    made = intake(pc)
    made.look_up([candidate(f"{k}.local").candidate for k in range(MAX_NAMES + 5)])
    await eventually(lambda: not made.is_resolving)
    assert len(pc.added) == MAX_NAMES
