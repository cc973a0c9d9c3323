"""The state of a connection in words: candidates, checks, and why it is not established."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["CandidateInfo", "CheckInfo", "Diagnosis"]


@dataclass(frozen=True)
class CandidateInfo:
    """An ICE candidate (RFC 8445).

    Attributes:
        type: ``"host"``, ``"srflx"`` (seen by a STUN server), ``"relay"`` (of a TURN server) or
            ``"prflx"`` (learned from a check).
        transport: ``"udp"`` or ``"tcp"``.
        host: The IP address, or a multicast DNS name.
        port: The port.
        note: Why it is not used; empty if it is.
    """

    type: str
    transport: str
    host: str
    port: int
    note: str = ""

    @property
    def address(self) -> str:
        """Host and port, such as ``"192.0.2.1:40000"`` or ``"[2001:db8::1]:40000"``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """Return type, transport, address and note."""
        note = f" ({self.note})" if self.note else ""
        return f"{self.type} {self.transport} {self.address}{note}"


@dataclass(frozen=True)
class CheckInfo:
    """A pair of candidates, and the result of its connectivity check.

    Attributes:
        local: The candidate of this side.
        remote: The candidate of the other side.
        state: ``"waiting"`` for its turn, ``"in progress"``, ``"succeeded"`` or ``"failed"``.
    """

    local: CandidateInfo
    remote: CandidateInfo
    state: Literal["waiting", "in progress", "succeeded", "failed"]

    def __str__(self) -> str:
        """Return the pair and the result in words."""
        result = {
            "waiting": "not tried",
            "in progress": "no answer so far",
            "succeeded": "answered",
            "failed": "no answer",
        }[self.state]
        return f"{self.route}: {result}"

    @property
    def route(self) -> str:
        """The pair, such as ``"192.0.2.1:40000 -> 198.51.100.7:50000"``."""
        over = " (tcp)" if self.local.transport == "tcp" else ""
        return f"{self.local.address} -> {self.remote.address}{over}"


@dataclass(frozen=True)
class Diagnosis:
    """The state of a connection, and why it is not established; see ``Stream.diagnose``.

    Attributes:
        webrtc_id: The id of the connection.
        transport: ``"webrtc"``, ``"websocket"`` or ``"telephone"``. Only WebRTC has candidates.
        state: ``"connecting"``, ``"connected"``, ``"failed"`` if it ended before it was connected,
            or ``"ended"``.
        local: The candidates of the server.
        remote: The candidates of the client.
        checks: The pairs that the server has formed of them, best first.
        selected: The pair that is used; None before there is one.
        problem: Why the connection is not established, as a clause; empty if it is.
        advice: What to open or set, most likely first; each a sentence.
        reason: Why it ended; empty before.
    """

    webrtc_id: str
    transport: Literal["webrtc", "websocket", "telephone"]
    state: Literal["connecting", "connected", "failed", "ended"]
    local: tuple[CandidateInfo, ...] = ()
    remote: tuple[CandidateInfo, ...] = ()
    checks: tuple[CheckInfo, ...] = ()
    selected: CheckInfo | None = None
    problem: str = ""
    advice: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        """Return a report of several lines."""
        reason = f": {self.reason}" if self.reason else ""
        lines = [f"Connection {self.webrtc_id} ({self.transport}) is {self.state}{reason}"]
        if self.transport == "webrtc":
            lines += _section("Candidates of the server", self.local)
            lines += _section("Candidates of the client", self.remote)
            lines += _section("Checks", self.checks)
        if self.selected is not None:
            lines.append(f"Selected: {self.selected.route}")
        if self.problem:
            so_far = " so far" if self.state == "connecting" else ""
            lines.append(f"Problem{so_far}: {self.problem}")
        lines += [f"-> {advice}" for advice in self.advice]
        return "\n".join(lines)


def _section(title: str, items: tuple[CandidateInfo, ...] | tuple[CheckInfo, ...]) -> list[str]:
    return [f"{title}:", *(f"  {item}" for item in items)] if items else [f"{title}: none"]
