"""The error of the Python client, and what its codes mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

__all__ = ["ADVICE", "JSON", "ClientError", "ended_by_server", "refused", "socket_closed"]

JSON: TypeAlias = "None | bool | int | float | str | list[JSON] | dict[str, JSON]"
"""A value of JSON."""

ADVICE = {
    "concurrency_limit_reached": "Close another connection, or raise concurrency_limit.",
    "too_many_connecting": "Try again in half a minute, or raise Limits(connecting=...).",
    "unauthorized": "The program's authorize refused the request. Pass what it checks: "
    "--header 'Authorization: Bearer TOKEN'.",
    "unknown_host": "Use a host name of allowed_hosts in the URL.",
    "cross_site": "The origin is not allowed: see allowed_origins.",
    "turn_server_failed": "Correct server_rtc_configuration, and test its TURN server: "
    "fastrtc doctor --turn URL --username NAME --credential PASSWORD.",
    "port_unavailable": "End the other process that uses the port, or set another in Ice(...).",
    "udp_ports_in_use": "Widen Ice(udp_ports=...), or use Ice(udp_port=...) for all connections.",
    "server_stopping": "Try again when the server has restarted.",
    "too_many_blocked_threads": "Run fastrtc doctor on the server, which shows them.",
    "unsupported_aiortc": "Run fastrtc doctor on the server.",
}
"""What to do about a refusal, by its code."""

GOING_AWAY, UNSUPPORTED_DATA, INTERNAL_ERROR = 1001, 1003, 1011
"""Close codes of a WebSocket (RFC 6455 section 7.4.1)."""


class ClientError(Exception):
    """A connection was refused, could not be established, or was ended by the server.

    Args:
        message: What happened.
        code: The reason, for programs: the code of a refusal, such as
            ``"concurrency_limit_reached"``, or a code of the client, such as ``"not_found"``,
            ``"ice_failed"`` or ``"ended_by_server"``.
        meta: Details: ``meta`` of a refusal, or the ``reason`` of an end.
        advice: What to do; empty if there is nothing to do.
    """

    def __init__(
        self, message: str, code: str, meta: Mapping[str, JSON] | None = None, advice: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.meta: dict[str, JSON] = dict(meta or {})
        self.advice = advice


def refused(answer: Mapping[str, JSON]) -> ClientError:
    """Return the error for a refusal, ``{"status": "failed", "meta": {"error": ...}}``."""
    meta = answer.get("meta")
    if not isinstance(meta, dict) or not isinstance(code := meta.get("error"), str):
        return ClientError(
            f"the server answered {str(answer)[:200]}",
            "not_found",
            advice="This is not a server of fastrtc.",
        )
    details = [f"{name} {value}" for name, value in meta.items() if name == "limit"]
    details += [str(value) for name, value in meta.items() if name == "reason"]
    text = f"the server refuses the connection: {code}"
    if details:
        text = f"{text} ({'; '.join(details)})"
    advice = ADVICE.get(code, "")
    return ClientError(text, code if code.isidentifier() else "bad_offer", meta, advice)


def ended_by_server(reason: str, end: object = None) -> ClientError:
    """Return the error for an ``end_stream`` message: its reason, and its code if it has one."""
    code = "ended_by_server"
    if end == "idle":
        code = "idle_timeout"
    elif end == "replaced":
        code = "replaced"
    elif reason == "Time limit reached":
        code = "time_limit_reached"
    elif reason == "The server stops":
        code = "server_stopping"
    return ClientError(
        f"the server ended the stream: {reason}", code, {"reason": reason}, ADVICE.get(code, "")
    )


def socket_closed(close_code: int | None, reason: str) -> ClientError:
    """Return the error for a WebSocket that the server closed without ``end_stream``."""
    code = {
        1000: "ended_by_server",
        GOING_AWAY: "server_stopping",
        UNSUPPORTED_DATA: "not_supported",
        INTERNAL_ERROR: "handler_error",
    }.get(close_code or 0, "connection_lost")
    if code == "connection_lost":
        return ClientError("the connection was lost", code, {"close_code": close_code or 0})
    shown = f" ({reason})" if reason else ""
    return ClientError(
        f"the server closed the WebSocket with {close_code}{shown}", code, {"reason": reason}
    )
