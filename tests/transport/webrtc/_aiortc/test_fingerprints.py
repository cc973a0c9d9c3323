"""Whose certificate is accepted in a DTLS handshake, in memory."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace

import pytest
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from fastrtc.transport.webrtc._aiortc import fingerprints as fingerprints_module
from fastrtc.transport.webrtc._aiortc.dtls_alerts import refusal_of
from fastrtc.transport.webrtc._aiortc.fingerprints import PATCH, verify_in_handshake
from fastrtc.transport.webrtc._aiortc.process import patch_process
from fastrtc.transport.webrtc._aiortc.registry import REGISTRY
from fastrtc.transport.webrtc.dtls_refusal import FINGERPRINT, DtlsRefusal
from tests.support.patches import without

UNKNOWN_CA = 48


class Ice:
    """One end of a path in memory, as the DTLS transport sees it."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.other = self
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def _send(self, data: bytes) -> None:
        self.other._arrived.put_nowait(data)

    async def _recv(self) -> bytes:
        return await self._arrived.get()


@pytest.fixture(autouse=True)
def original(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let aiortc's class be as it was, until the test has ended."""
    monkeypatch.setattr(RTCDtlsTransport, "start", inspect.unwrap(RTCDtlsTransport.start))


def pair() -> tuple[RTCDtlsTransport, RTCDtlsTransport]:
    """The server and the client of a handshake."""
    ends = Ice("controlling"), Ice("controlled")
    ends[0].other, ends[1].other = ends[1], ends[0]
    server, client = (RTCDtlsTransport(end, [RTCCertificate.generateCertificate()]) for end in ends)
    return server, client


async def shake_hands(
    sides: tuple[RTCDtlsTransport, RTCDtlsTransport],
    of_server: list[RTCDtlsFingerprint],
    of_client: list[RTCDtlsFingerprint],
) -> list[str]:
    """Return the states of both sides after a handshake, with the fingerprints in their SDP."""
    of_others = RTCDtlsParameters(of_client), RTCDtlsParameters(of_server)
    starts = (side.start(one) for side, one in zip(sides, of_others, strict=True))
    await asyncio.wait_for(asyncio.gather(*starts), 10)
    states = [side.state for side in sides]
    for side in sides:
        await side.stop()
    await asyncio.sleep(0)  # until the tasks of both have ended
    return states


def fingerprints(side: RTCDtlsTransport, *algorithms: str) -> list[RTCDtlsFingerprint]:
    found = side.getLocalParameters().fingerprints
    return [one for one in found if not algorithms or one.algorithm in algorithms]


def of_another(*algorithms: str) -> list[RTCDtlsFingerprint]:
    return fingerprints(pair()[0], *algorithms)


async def test_the_only_fingerprint_of_each_hash_function() -> None:
    verify_in_handshake()
    sides = pair()
    states = await shake_hands(sides, fingerprints(sides[0]), fingerprints(sides[1], "sha-384"))
    assert states == ["connected", "connected"]
    assert set(vars(sides[0])) == set(vars(pair()[0]))


@pytest.mark.parametrize("algorithms", [["sha-256"], ["sha-256", "sha-512"]])
async def test_fingerprints_of_several_certificates(algorithms: list[str]) -> None:
    """As of a peer that has one for each key type; any of them may be used (RFC 8122 section 5)."""
    verify_in_handshake()
    sides = pair()
    offered = fingerprints(sides[1], *algorithms) + of_another(*algorithms)
    upper = [replace(one, algorithm=one.algorithm.upper()) for one in of_another(*algorithms)]
    answered = upper + fingerprints(sides[0], *algorithms)
    assert await shake_hands(sides, answered, offered) == ["connected", "connected"]


@pytest.mark.parametrize("refuses", [0, 1])
async def test_a_refused_certificate_is_known_to_both_sides(refuses: int) -> None:
    REGISTRY.misfits()
    patch_process()
    sides = pair()
    accepted = [fingerprints(side) for side in sides]
    accepted[1 - refuses] = of_another()
    assert await shake_hands(sides, *accepted) == ["failed", "failed"]
    assert refusal_of(sides[refuses]) == DtlsRefusal("local", FINGERPRINT)
    assert refusal_of(sides[1 - refuses]) == DtlsRefusal("remote", UNKNOWN_CA)


async def test_each_hash_function_needs_a_match() -> None:
    verify_in_handshake()
    sides = pair()
    mixed = fingerprints(sides[1], "sha-256") + of_another("sha-256", "sha-384")
    assert await shake_hands(sides, fingerprints(sides[0]), mixed) == ["failed", "failed"]


async def test_hash_functions_that_are_not_verified() -> None:
    verify_in_handshake()
    for others, states in ((["sha-256"], "connected"), ([], "failed")):
        sides = pair()
        offered = [RTCDtlsFingerprint("sha-1", "AA:BB")]
        offered += [one for one in fingerprints(sides[1]) if one.algorithm in others]
        assert await shake_hands(sides, fingerprints(sides[0]), offered) == [states, states]


async def test_a_failure_of_ours_leaves_the_verification_to_aiortc(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    verify_in_handshake()
    monkeypatch.setattr(fingerprints_module, "_matching", lambda *_: 1 / 0)
    sides = pair()
    accepted = [fingerprints(side) for side in sides]
    assert await shake_hands(sides, *accepted) == ["connected", "connected"]
    sides = pair()
    assert (await shake_hands(sides, fingerprints(sides[0]), of_another()))[0] == "failed"
    assert "ZeroDivisionError" in caplog.text


async def test_the_class_is_patched_once() -> None:
    before = RTCDtlsTransport.start
    with without(PATCH):
        verify_in_handshake()
    assert RTCDtlsTransport.start is before
    verify_in_handshake()
    changed = RTCDtlsTransport.start
    verify_in_handshake()
    assert RTCDtlsTransport.start is changed is not before
