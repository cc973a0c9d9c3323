"""Read the state of a connection of the server, to diagnose it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Literal

from aiortc import RTCPeerConnection

from ...core.diagnosis import CandidateInfo, Diagnosis
from ...core.errors import SessionRefused
from ...session.session import Session
from ._aiortc.ice_state import candidate_info, local_candidates, read_ice
from ._aiortc.turn import TurnAttempt
from .candidate_intake import CandidateIntake
from .diagnosis import (
    ACTIVE_TCP,
    RESOLVING,
    UNRESOLVED,
    Explanation,
    Situation,
    explain,
    ignored_because,
)
from .guard import guarded
from .ice_targets import TargetPolicy
from .ports.ice_ports import IcePorts

__all__ = ["Diagnostics"]

logger = logging.getLogger(__name__)

MAX_TEXT = 100
"""Characters that are kept of what a client sends; the multicast DNS names of browsers have 42."""


class Diagnostics:
    """Describe the state of one connection; nothing is read before it is asked for.

    Args:
        pc: The connection.
        session: Its session.
        intake: The candidates of the client.
        targets: The policy of addresses that the server may send to.
        ports: The ports and addresses of the server.
        relay_only: Whether only the candidates of a TURN server are used.

    Attributes:
        vanished: Whether the consent of the client has expired.
    """

    def __init__(
        self,
        pc: RTCPeerConnection,
        session: Session,
        intake: CandidateIntake,
        targets: TargetPolicy,
        ports: IcePorts,
        *,
        relay_only: bool,
    ) -> None:
        self.vanished = False
        self._pc = pc
        self._session = session
        self._intake = intake
        self._targets = targets
        self._ports = ports
        self._relay_only = relay_only
        self._local: tuple[Any, ...] = ()
        self._turn_failures: tuple[str, ...] = ()

    def answered(self, attempts: list[TurnAttempt]) -> None:
        """Record the candidates of the answer; log why clients may be unable to reach the server.

        Raises:
            SessionRefused: If the server has no candidate and a TURN server failed.
        """
        self._local = local_candidates(self._pc)
        failures = {a.server: a.failure or "did not answer" for a in attempts if not a.succeeded}
        self._turn_failures = tuple(f"{server} {why}" for server, why in failures.items())
        for server, why in failures.items():
            logger.warning(
                "Session %s: the TURN server %s of server_rtc_configuration %s",
                self._session.id,
                server,
                why,
            )
        if "a=candidate:" in self._pc.localDescription.sdp:
            return
        logger.warning("Session %s: the server has no candidate to offer", self._session.id)
        if failures:
            raise SessionRefused("turn_server_failed")

    @guarded(None)
    def log_failure(self, what: str) -> None:
        """Log why the connection is not established, and the most likely remedy."""
        why = explain(self._situation())
        text = ". ".join(filter(None, (why.problem, *why.advice[:1])))
        logger.warning("Session %s: %s: %s", self._session.id, what, text)

    def read(self, *, connected: bool) -> Diagnosis:
        """Return the diagnosis of the connection.

        Args:
            connected: Whether it was established.
        """
        reason = self._session.reason
        state: Literal["connecting", "connected", "failed", "ended"]
        if reason is None:
            state = "connected" if connected else "connecting"
        else:
            state = "ended" if connected else "failed"
        situation = self._situation(with_unused=state != "ended")  # most end so: save the time
        why = Explanation() if connected else explain(situation)
        return Diagnosis(
            self._session.id,
            "webrtc",
            state,
            situation.server,
            situation.client,
            situation.checks,
            situation.selected,
            why.problem,
            why.advice,
            "" if reason is None else reason.text,
        )

    def _situation(self, *, with_unused: bool = True) -> Situation:
        ice = read_ice(self._pc)
        used = tuple(filter(self._is_used, ice.remote))
        unused = self._unused(used) if with_unused else ()
        return Situation(
            "server",
            tuple(map(candidate_info, self._local)),
            (*used, *unused),
            ice.checks,
            ice.selected,
            ice.heard,
            ice.dtls,
            self._ports.ice,
            self._relay_only,
            self._turn_failures,
            self.vanished,
            ice.dtls_refusal,
        )

    def _is_used(self, candidate: CandidateInfo) -> bool:
        """Return whether the server may send to a candidate, which aioice 0.10 and 0.11 keep."""
        if candidate.type == "prflx" or candidate.host.endswith(".local"):
            return True
        return self._targets.allows(candidate.host, candidate.port)

    def _unused(self, used: tuple[CandidateInfo, ...]) -> Iterator[CandidateInfo]:
        """Yield the candidates that the client offered but that are not used, with the reason."""
        ports = {c.port for c in used}
        addresses = {(c.host, c.port) for c in used}
        for candidate in self._intake.offered():
            address = candidate.ip, candidate.port
            if address in addresses or candidate.component != 1:
                continue
            addresses.add(address)
            note = ""
            if candidate.tcpType == "active":
                note = ACTIVE_TCP
            elif candidate.ip.endswith(".local"):
                if candidate.port in ports:  # aioice 0.10 and 0.11 replace the name
                    continue
                note = RESOLVING if self._intake.is_resolving else UNRESOLVED
            elif not self._targets.allows(*address):
                note = ignored_because(*address, self._targets.allows_private)
            if note or not used:  # otherwise it is of a section that is bundled with another
                yield CandidateInfo(
                    candidate.type[:MAX_TEXT],
                    candidate.protocol.lower()[:MAX_TEXT],
                    candidate.ip[:MAX_TEXT],
                    candidate.port,
                    note,
                )
