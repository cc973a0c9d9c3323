"""Trickled candidates that reach another node than their connection."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...core.errors import InvalidCandidate, SessionRefused
from ...core.log_throttle import LogThrottle
from ...transport.webrtc.candidates import Candidate
from ..answering import add_candidate
from .calls import ConnectionUnknown, RemoteCallFailed
from .client import NodeUnreachable
from .directory import DirectoryUnreachable, Key
from .items import candidate_item
from .node import ClusterNode

if TYPE_CHECKING:
    from ..endpoint import Endpoint

__all__ = ["leave_candidates", "pass_candidate", "send_candidate"]

logger = logging.getLogger(__name__)
_failures = LogThrottle()


async def pass_candidate(
    endpoint: Endpoint, node: ClusterNode, key: Key, value: Any, candidate: Candidate
) -> None:
    """Pass a candidate to the node that has its connection, or leave it for that node.

    Args:
        endpoint: The endpoint of this node, which does not have the connection.
        node: This node.
        key: The connection.
        value: The candidate as the client sent it.
        candidate: The same, parsed.

    Raises:
        InvalidCandidate: If the owner refuses it.
        SessionRefused: If the connection has ended, or its owner does not answer.
    """
    ended = endpoint.early.refusal(key.id)
    if candidate.candidate is None:
        value = None
    try:
        if node.owned.known_owner(key) is None:
            item = None if ended else candidate_item(value)
            owner = await node.owned.find(key, item)
            if owner is None and ended is None:
                return  # left for the owner
        await node.call(key, "candidate", value)
    except DirectoryUnreachable:
        await add_candidate(endpoint, key.id, candidate)
    except ConnectionUnknown:
        if ended is not None:
            raise SessionRefused(ended) from None
        if await leave_candidates(node, key, [value]):  # a node has denied that it has it
            raise SessionRefused("unknown_connection") from None
    except (RemoteCallFailed, NodeUnreachable) as error:
        _failures.log(logger.warning, "A candidate could not be forwarded: %s", error)
        raise SessionRefused("connection_closed") from error


async def leave_candidates(node: ClusterNode, key: Key, values: Iterable[Any]) -> list[Any]:
    """Leave candidates in the directory for the node that takes their connection.

    Args:
        node: This node.
        key: The connection.
        values: The candidates in the format of clients; None for the end of candidates.

    Returns:
        Those that could not be left, as the directory is unreachable.
    """
    rest = []
    for value in values:
        try:
            await node.owned.find(key, candidate_item(value))
        except DirectoryUnreachable:
            rest.append(value)
    return rest


async def send_candidate(node: ClusterNode, key: Key, value: Any) -> None:
    """Send a candidate to the known owner of its connection; a failure is only logged."""
    try:
        await node.call(key, "candidate", value)
    except (
        ConnectionUnknown,
        InvalidCandidate,
        NodeUnreachable,
        RemoteCallFailed,
        SessionRefused,
    ) as error:
        logger.debug("A candidate could not be passed on: %s", error)
