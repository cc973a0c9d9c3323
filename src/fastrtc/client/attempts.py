"""One attempt to resume a session, in limited time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from .errors import ClientError
from .link import TransportLink

__all__ = ["open_in_time"]

logger = logging.getLogger(__name__)

REACH_TIMEOUT_S = 3.0
"""How long it may take to connect to the server, in seconds: a network that is away drops packets.
TCP sends its first packet again after 1 s."""

ANSWER_TIMEOUT_S = 15.0
"""When the server must have answered, in seconds after the begin of the attempt."""

ATTEMPT_TIMEOUT_S = 30.0
"""When ICE and DTLS must be done, in seconds after the begin of the attempt: a server to which many
clients return at once is slow."""


async def open_in_time(link: TransportLink, request: Mapping[str, Any]) -> ClientError | None:
    """Open a connection; return why that failed, or None.

    Args:
        link: The connection, which is not open yet.
        request: The fields of the offer, or of the start of a WebSocket.
    """
    opening = asyncio.ensure_future(link.open(request))
    try:
        await asyncio.wait([opening], timeout=REACH_TIMEOUT_S)
        if not opening.done() and link.reached:
            await asyncio.wait([opening], timeout=ANSWER_TIMEOUT_S - REACH_TIMEOUT_S)
        if not opening.done() and link.answered:
            await asyncio.wait([opening], timeout=ATTEMPT_TIMEOUT_S - ANSWER_TIMEOUT_S)
        if not opening.done():
            return ClientError("no connection in time", "server_timeout")
        opening.result()
    except ClientError as error:
        return error
    except Exception as error:  # such as too many open files
        logger.debug("An attempt to resume failed", exc_info=True)
        return ClientError(str(error) or type(error).__name__, "client_error")
    finally:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
    return None
