"""Read the state of ICE: candidates, checks and the selected pair."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiortc import RTCPeerConnection

from ....core.diagnosis import CandidateInfo, CheckInfo
from ..dtls_refusal import DtlsRefusal
from ..guard import guarded
from .dtls_alerts import refusal_of
from .ice import heard_from
from .patch import Patch
from .transports import ICE_CONNECTION, dtls_transports, ice_connections

__all__ = ["PATCH", "IceState", "local_candidates", "measure_round_trip", "read_ice"]

PATCH = Patch(
    name="ICE state",
    target="aioice.Connection._check_list",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(
        ICE_CONNECTION,
        "Connection()._check_list",
        "Connection()._nominated.values",
        "Connection().local_candidates",
        "Connection().remote_candidates",
        "Connection().build_request",
        "Connection().remote_password",
        "CandidatePair().protocol",
        "CandidatePair().remote_candidate",
        "CandidatePair().nominated",
        "CandidatePair().state",
        "aioice.ice.CandidatePair.remote_addr",
        "aioice.ice.StunProtocol.request",
    ),
    lost="stream.diagnose() and fastrtc doctor --connect do not show candidates and checks",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc has RTCStatsReport with candidate pairs",
)

_STATES: dict[str, Literal["waiting", "in progress", "succeeded", "failed"]] = {
    "FROZEN": "waiting",
    "WAITING": "waiting",
    "IN_PROGRESS": "in progress",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
}


@dataclass(frozen=True)
class IceState:
    """The state of ICE and DTLS of a connection.

    Attributes:
        remote: The candidates of the peer that are used.
        checks: The pairs and their states, best first.
        selected: The pair that is, or was, used.
        heard: Whether a check of the peer has arrived.
        dtls: The state of DTLS: ``"new"``, ``"connecting"``, ``"connected"``, ``"closed"`` or
            ``"failed"``.
        dtls_refusal: Why its handshake was refused; None if it was not, or is not known.
    """

    remote: tuple[CandidateInfo, ...] = ()
    checks: tuple[CheckInfo, ...] = ()
    selected: CheckInfo | None = None
    heard: bool = False
    dtls: str = "new"
    dtls_refusal: DtlsRefusal | None = None


@guarded(())
def local_candidates(pc: RTCPeerConnection) -> tuple[Any, ...]:
    """Return the gathered candidates; none after the connection is closed."""
    if not PATCH.fits:
        return ()
    return tuple(c for connection in ice_connections(pc) for c in connection.local_candidates)


@guarded(IceState())
def read_ice(pc: RTCPeerConnection) -> IceState:
    """Return the state of the transports of a connection."""
    if not PATCH.fits:
        return IceState()
    connections = ice_connections(pc)
    remote = [c for connection in connections for c in connection.remote_candidates]
    pairs = [pair for connection in connections for pair in connection._check_list]
    selected = [pair for connection in connections for pair in connection._nominated.values()]
    selected += [pair for pair in pairs if pair.nominated and pair.state.name == "SUCCEEDED"]
    transports = dtls_transports(pc)
    return IceState(
        remote=tuple(dict.fromkeys(map(candidate_info, remote))),
        checks=tuple(map(_check_info, pairs)),
        selected=_check_info(selected[0]) if selected else None,
        heard=any(c.type == "prflx" for c in remote) or any(map(heard_from, connections)),
        dtls=_dtls_state([transport.state for transport in transports]),
        dtls_refusal=next(filter(None, map(refusal_of, transports)), None),
    )


def candidate_info(candidate: Any) -> CandidateInfo:
    """Describe a candidate of aioice."""
    transport = candidate.transport.lower()
    return CandidateInfo(candidate.type, transport, candidate.host, candidate.port)


async def measure_round_trip(pc: RTCPeerConnection) -> float | None:
    """Return the time that a STUN request to the peer takes, in seconds; None if it has no answer.

    To be called while the connection is established.
    """
    if not PATCH.fits:
        return None
    loop = asyncio.get_running_loop()
    for connection in ice_connections(pc):
        for pair in list(connection._nominated.values()):
            request = connection.build_request(pair, nominate=False)
            key = connection.remote_password.encode("utf8")
            started = loop.time()
            try:
                await pair.protocol.request(request, pair.remote_addr, integrity_key=key)
            except Exception:  # of aioice: no answer, or an error
                return None
            return loop.time() - started
    return None


def _check_info(pair: Any) -> CheckInfo:
    return CheckInfo(
        candidate_info(pair.protocol.local_candidate),
        candidate_info(pair.remote_candidate),
        _STATES[pair.state.name],
    )


def _dtls_state(states: Sequence[Any]) -> str:
    """Return the state that is common to all transports, or that of the one that is behind."""
    names = [str(getattr(state, "value", state)) for state in states]
    order = ("failed", "closed", "new", "connecting", "connected")
    return min(names, key=lambda name: order.index(name) if name in order else 0, default="new")
