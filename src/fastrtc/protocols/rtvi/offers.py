"""The bodies of requests to ``/api/offer``. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import FastRTCError
from ...core.identity import check_metadata
from ...core.limits import MAX_ID_LENGTH
from ...core.messages import parse_message
from ...transport.webrtc.candidates import Candidate, parse_candidate

__all__ = ["Candidates", "InvalidRequest", "Offer", "read_candidates", "read_offer"]

MAX_CANDIDATES = 128
"""Candidates in one request."""


class InvalidRequest(FastRTCError, ValueError):
    """A body that is malformed."""


@dataclass(frozen=True)
class Offer:
    """A request to connect, or to negotiate again.

    Attributes:
        sdp: The offer.
        pc_id: The id of the connection that the client has; None for a new one.
        restart: Whether the client has made a new peer connection in place of it.
        metadata: ``requestData``, which becomes ``Context.metadata``.
    """

    sdp: str
    pc_id: str | None = None
    restart: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """Trickled candidates.

    Attributes:
        pc_id: The connection.
        candidates: The candidates, in order.
    """

    pc_id: str
    candidates: tuple[Candidate, ...]


def read_offer(body: bytes) -> Offer:
    """Parse the body of a ``POST``.

    Raises:
        InvalidRequest: If it is malformed.
    """
    fields = _read(body)
    sdp, kind = fields.get("sdp"), fields.get("type", "offer")
    if not isinstance(sdp, str) or kind != "offer":
        raise InvalidRequest("The body must have an 'sdp', a string, and the type 'offer'")
    restart = fields.get("restart_pc")
    if not isinstance(restart, bool | None):
        raise InvalidRequest("restart_pc must be a boolean")
    data = fields.get("requestData", fields.get("request_data"))
    try:
        metadata = check_metadata(data)
    except ValueError as error:
        raise InvalidRequest(f"requestData: {error}") from None
    return Offer(sdp, _pc_id(fields, required=False), bool(restart), metadata)


def read_candidates(body: bytes) -> Candidates:
    """Parse the body of a ``PATCH``.

    Raises:
        InvalidRequest: If it is malformed.
    """
    fields = _read(body)
    pc_id, given = _pc_id(fields, required=True), fields.get("candidates")
    if not isinstance(given, list) or len(given) > MAX_CANDIDATES:
        raise InvalidRequest(f"candidates must be a list of up to {MAX_CANDIDATES}")
    return Candidates(pc_id or "", tuple(map(_candidate, given)))


def _read(body: bytes) -> dict[str, Any]:
    try:
        return parse_message(body, "The body")
    except ValueError as error:
        raise InvalidRequest(str(error)) from None


def _pc_id(fields: Mapping[str, Any], *, required: bool) -> str | None:
    value = fields.get("pc_id")
    if value is None and not required:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_LENGTH:
        raise InvalidRequest(f"pc_id must be a string of 1 to {MAX_ID_LENGTH} characters")
    if not value.isprintable():  # it is logged
        raise InvalidRequest("pc_id must consist of printable characters")
    return value


def _candidate(value: Any) -> Candidate:
    if not isinstance(value, dict):
        raise InvalidRequest("A candidate must be an object")
    names = {"sdp_mid": "sdpMid", "sdp_mline_index": "sdpMLineIndex"}
    try:
        return parse_candidate({names.get(name, name): one for name, one in value.items()})
    except ValueError as error:
        raise InvalidRequest(str(error)) from None
