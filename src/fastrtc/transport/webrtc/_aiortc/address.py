"""Follow a client whose address changes during a call: NAT rebinding, another network.

aioice keeps sending to the first address unless the client nominates another one; browsers do so,
aiortc does not.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from aioice import Candidate, stun
from aiortc import RTCPeerConnection

from ....core.log_throttle import LogThrottle
from ..guard import guarded, guarded_async
from .patch import Patch
from .transports import ICE_CONNECTION, dtls_transports

__all__ = ["PATCH", "Follower", "follow_address"]

logger = logging.getLogger(__name__)

PATCH = Patch(
    name="address changes",
    target="aioice.Connection and RTCDtlsTransport",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(
        ICE_CONNECTION,
        "RTCIceTransport()._recv",
        "RTCDtlsTransport()._handle_rtp_data",
        "RTCDtlsTransport()._handle_rtcp_data",
        "Connection()._protocols",
        "Connection()._nominated",
        "Connection().check_incoming",
        "Connection().build_request",
        "Connection().ice_controlling",
        "Connection().remote_password",
        "aioice.ice.StunProtocol.request",
        "aioice.ice.CandidatePair.remote_addr",
        "CandidatePair().nominated",
        "CandidatePair().State.SUCCEEDED",
        "Candidate().priority",
        "Candidate().component",
        "aioice.stun.TransactionError",
    ),
    lost="a call is lost when the address of its client changes, unless the client nominates it",
    upstream="upstream.md#smaller-proposals",
    delete_when="aioice sends to a new address once it has answered a check",
)

CHECK_INTERVAL_S = 0.2
"""Minimum interval between checks of other addresses, in seconds: a client that alternates between
two addresses must not cause a check for each packet."""

CHECK_REPEATS = 2
"""Retransmissions of a check; aioice waits for 0.5, 1 and 2 s."""

SILENT_S = 1.0
"""How long the current address must have been silent, in seconds, before an ICE check from another
one counts. Browsers check spare paths all the time; media are better evidence."""

Address = tuple[str, int]
Run = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[Any]"]

_unreadable = LogThrottle()


class _Datagram(bytes):
    """A datagram from an address other than the current one."""

    source: Address
    protocol: Any


class Follower:
    """Follow the source address of a client's packets, once the client has proved to be there.

    A packet that was decrypted as the client's triggers a check of its source address, as ICE
    checks a peer-reflexive candidate (RFC 8445 section 7.3.1.4): with a request that only a peer
    that knows the password of its offer can answer. Then media go there.

    Args:
        connection: The ``aioice.Connection``.
        run: Starts the check, as a task of the session.

    Attributes:
        heard_at: When the last datagram from the current address arrived; 0 before the first.
    """

    def __init__(self, connection: Any, run: Run) -> None:
        self._connection = connection
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._request: asyncio.Future[Any] | None = None
        self._address: Address | None = None
        self._next_check = 0.0
        self.heard_at = 0.0  # last datagram from the current address

    def heard(self, now: float) -> None:
        """Record a datagram from the current address, where none is observed."""
        self.heard_at = now

    def watch(self) -> None:
        """Observe the source addresses of datagrams and of ICE checks."""
        for protocol in self._connection._protocols:
            self._watch_protocol(protocol)
        check_incoming = self._connection.check_incoming

        def check(message: Any, source: Any, protocol: Any) -> None:
            check_incoming(message, source, protocol)
            self._checked(source, protocol)

        self._connection.check_incoming = check

    def _watch_protocol(self, protocol: Any) -> None:
        received = protocol.datagram_received

        def datagram_received(data: bytes, source: Any) -> None:
            try:
                received(self._marked(data, source, protocol), source)
            except Exception as error:  # aioice raises struct.error for some malformed ones
                _unreadable.log(logger.warning, "Dropping a malformed datagram: %r", error)

        protocol.datagram_received = datagram_received

    def watch_media(self, dtls: Any) -> None:
        """Observe which datagrams are decrypted as the client's."""
        ice, source = dtls.transport, None
        receive, rtp, rtcp = ice._recv, dtls._handle_rtp_data, dtls._handle_rtcp_data

        async def recv() -> bytes:
            nonlocal source
            source = None
            source = data = await receive()
            return bytes(data) if isinstance(data, _Datagram) else data

        async def handle_rtp(data: bytes, arrival_time_ms: int) -> None:
            self._decrypted(source)
            await rtp(data, arrival_time_ms=arrival_time_ms)

        async def handle_rtcp(data: bytes) -> None:
            self._decrypted(source)
            await rtcp(data)

        ice._recv, dtls._handle_rtp_data, dtls._handle_rtcp_data = recv, handle_rtp, handle_rtcp

    def _pair(self, protocol: Any) -> Any:
        """Return the current pair of the component that a protocol belongs to."""
        return self._connection._nominated.get(protocol.local_candidate.component)

    def _marked(self, data: bytes, source: Any, protocol: Any) -> bytes:
        pair = self._pair(protocol)
        if pair is None or pair.remote_addr == source[:2]:
            self.heard_at = self._loop.time()
            return data
        marked = _Datagram(data)
        marked.source, marked.protocol = source[:2], protocol
        return marked

    @guarded(None)
    def _decrypted(self, data: Any) -> None:
        if isinstance(data, _Datagram):
            self._check(data.source, data.protocol)

    @guarded(None)
    def _checked(self, source: Address, protocol: Any) -> None:
        pair = self._pair(protocol)
        silent = self._loop.time() - self.heard_at > SILENT_S
        if pair is not None and pair.remote_addr != source and silent:
            self._check(source, protocol)

    def _check(self, source: Address, protocol: Any) -> None:
        """Check an address, unless that is running already; cancels a check of another one."""
        now = self._loop.time()
        running = self._request is not None and not self._request.done()
        if now < self._next_check or (running and source == self._address):
            return
        if self._request is not None:
            self._request.cancel()
        self._next_check, self._address = now + CHECK_INTERVAL_S, source
        self._request = request = asyncio.ensure_future(self._ask(source, protocol))
        self._run(_wait_for(request)).add_done_callback(lambda _: request.cancel())

    @guarded_async(None)
    async def _ask(self, source: Address, protocol: Any) -> None:
        connection, component = self._connection, protocol.local_candidate.component
        candidate = Candidate(
            foundation="rebound",
            component=component,
            transport="udp",
            priority=protocol.local_candidate.priority,
            host=source[0],
            port=source[1],
            type="prflx",
        )
        ice: Any = importlib.import_module("aioice.ice")
        pair = ice.CandidatePair(protocol, candidate)
        request = connection.build_request(pair, nominate=connection.ice_controlling)
        try:
            _, answered_from = await protocol.request(
                request,
                pair.remote_addr,
                integrity_key=connection.remote_password.encode("utf8"),
                retransmissions=CHECK_REPEATS,
            )
        except (stun.TransactionError, OSError) as error:
            logger.debug("A new address of a client did not answer: %r", error)
            return
        if answered_from != source or component not in connection._nominated:
            return
        pair.nominated, pair.state = True, ice.CandidatePair.State.SUCCEEDED
        connection._nominated[component] = pair
        self.heard_at = self._loop.time()
        logger.info("The address of a client has changed")


async def _wait_for(request: asyncio.Future[Any]) -> None:
    """Wait in a task of the session, which would end if one of its tasks were canceled.

    Args:
        request: A future that may be canceled at any time.
    """
    await asyncio.wait([request])


def follow_address(pc: RTCPeerConnection, run: Run) -> dict[int, Follower]:
    """Follow a client whose address changes.

    To be called once the candidates of the connection have been gathered.

    Args:
        pc: The connection.
        run: Starts a task that ends with the connection.

    Returns:
        For each ICE connection, by its ``id()``, its follower. ``heard`` is to be called with the
        time of each datagram from the current address that is processed without aioice.
    """
    if not PATCH.fits:
        return {}
    followers: dict[int, Follower] = {}
    for dtls in dtls_transports(pc):
        connection = dtls.transport._connection
        if id(connection) not in followers:
            followers[id(connection)] = Follower(connection, run)
            followers[id(connection)].watch()
        followers[id(connection)].watch_media(dtls)
    return followers
