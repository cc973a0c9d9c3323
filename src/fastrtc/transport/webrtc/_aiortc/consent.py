"""Consent freshness (RFC 7675): detect that a peer has gone."""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Callable, Coroutine
from typing import Any

from aioice import stun
from aiortc import RTCPeerConnection

from ..guard import guarded_async, retried
from .patch import Patch
from .transports import ICE_CONNECTION, ice_connections

__all__ = ["PATCH", "ask_peer", "watch_consent"]

PATCH = Patch(
    name="consent freshness",
    target="aioice.Connection.query_consent",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(
        ICE_CONNECTION,
        "Connection().query_consent",
        "Connection().build_request",
        "Connection().remote_password",
        "Connection()._nominated.values",
        "Connection()._query_consent_task",
        "aioice.ice.CandidatePair.remote_addr",
        "CandidatePair().protocol",
        "aioice.ice.StunProtocol.request",
        "aioice.stun.TransactionError",
    ),
    lost="a client that has vanished occupies its place for 30 s instead of 12 s",
    upstream="upstream.md#the-interval-of-consent-checks",
    delete_when="aioice has parameters for the interval and the time-out of consent checks",
)

CONSENT_INTERVAL_S = 2.5
"""Interval of consent checks in seconds (5 s in RFC 7675 section 5.1)."""

CONSENT_EXPIRES_S = 12.0
"""How long a peer may take to answer before it counts as gone, in seconds. RFC 7675 section 5.1
allows up to 30 s; but a client that lost the network and reconnects must not find its own place
occupied for so long."""


CONSENT_REPEATS = 2
"""Retransmissions of a check. aioice waits 0.5 s for an answer, 3.5 s with two retransmissions: a
distant peer, or one on a machine that is busy for a while, has not gone."""


RETRY_S = 1.0
"""How long to wait before the next check after one failed because of an error of ours, in
seconds."""


def watch_consent(
    pc: RTCPeerConnection, on_expired: Callable[[], None], expires_s: float | None = None
) -> None:
    """Detect sooner than after 30 s that a peer has gone without closing the connection.

    Args:
        pc: The connection, before it is established.
        on_expired: Called once, when the peer has not answered in time.
        expires_s: The time in seconds; None for ``CONSENT_EXPIRES_S``. Checks are as much more
            frequent as it is shorter.
    """
    if not PATCH.fits:
        return
    timing = CONSENT_EXPIRES_S if expires_s is None else expires_s
    for connection in ice_connections(pc):
        connection.query_consent = functools.partial(_query_consent, connection, on_expired, timing)


@retried(RETRY_S)
async def _query_consent(connection: Any, on_expired: Callable[[], None], expires_s: float) -> None:
    loop = asyncio.get_running_loop()
    expires = loop.time() + expires_s
    interval_s = CONSENT_INTERVAL_S * min(1.0, expires_s / CONSENT_EXPIRES_S)
    while loop.time() < expires:
        if not connection._nominated:  # it was closed, maybe just before this started
            return
        # randomized, so that checks of many connections do not synchronize (RFC 7675)
        await asyncio.sleep(interval_s * (0.8 + 0.4 * random.random()))
        for pair in list(connection._nominated.values()):
            asking = _ask(connection, pair, CONSENT_REPEATS)
            answered = await _is_answered(asking, expires - loop.time())
            # Or another address has answered in the meantime
            if answered or pair not in connection._nominated.values():
                expires = loop.time() + expires_s
    connection._query_consent_task = None
    on_expired()


def _ask(connection: Any, pair: Any, repeats: int) -> Coroutine[Any, Any, Any]:
    asking: Coroutine[Any, Any, Any] = pair.protocol.request(
        connection.build_request(pair, nominate=False),
        pair.remote_addr,
        integrity_key=connection.remote_password.encode("utf8"),
        retransmissions=repeats,
    )
    return asking


@guarded_async(None)
async def ask_peer(pc: RTCPeerConnection, timeout_s: float) -> None:
    """Send an ICE check to a connected peer, and wait for the answer.

    Args:
        pc: The connection.
        timeout_s: How long to wait, in seconds; 0.5 s at most.
    """
    if not PATCH.fits:
        return
    for connection in ice_connections(pc):
        for pair in list(connection._nominated.values()):
            await _is_answered(_ask(connection, pair, 0), timeout_s)


async def _is_answered(asking: Coroutine[Any, Any, Any], timeout_s: float) -> bool:
    """Return whether a request is answered in time.

    ``asyncio.wait_for`` of Python 3.11 and older loses a cancellation that coincides with the
    answer (python/cpython#86296): closing the connection would wait until consent expires.
    """
    task = asyncio.ensure_future(asking)
    try:
        done, _ = await asyncio.wait([task], timeout=timeout_s)
        if not done:
            return False
        task.result()
        return True
    except stun.TransactionError:
        return False
    finally:
        if not task.cancel() and not task.cancelled():
            task.exception()  # so that asyncio does not report it
