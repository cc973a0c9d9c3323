"""Bounds on STUN and datagrams: what they cost, and where the server sends because of them.

aioice acts on each packet. Where the cost grows with a number in the packet or with earlier
packets, that number is bounded; the packets themselves are counted.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from aioice import stun

from ....core.log_throttle import LogThrottle
from ..guard import guarded
from ..ice_targets import SendAllowance, TargetPolicy
from ..packet_budget import PacketBudget
from ..ports.routes import MAX_ADDRESSES
from ..stun_integrity import is_signed
from .abuse import Abuse
from .patch import Patch
from .transports import ICE_CONNECTION

__all__ = ["PATCH", "heard_from", "limit_ice"]

logger = logging.getLogger(__name__)

PATCH = Patch(
    name="ICE",
    target="aioice.Connection",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(
        ICE_CONNECTION,
        "Connection().request_received",
        "Connection().respond_error",
        "Connection().check_incoming",
        "Connection().check_start",
        "Connection().check_state",
        "Connection().check_complete",
        "Connection().switch_role",
        "Connection().gather_candidates",
        "Connection().data_received",
        "Connection().ice_controlling",
        "Connection()._remote_candidates.remove",
        "Connection()._check_list.remove",
        "Connection()._nominated.values",
        "Connection()._protocols",
        "Connection()._queue.qsize",
        "aioice.ice.StunProtocol.send_stun",
        "aioice.ice.CandidatePair.remote_addr",
        "CandidatePair().remote_candidate",
        "CandidatePair().state",
        "CandidatePair().task",
        "CandidatePair().State.IN_PROGRESS",
        "CandidatePair().State.SUCCEEDED",
        "CandidatePair().State.FAILED",
        "Candidate().host",
        "Candidate().port",
        "Candidate().type",
        "aioice.stun.Transaction",
        "Connection().remote_password",
        "aioice.stun.Class.REQUEST",
        "aioice.stun.Class.RESPONSE",
    ),
    uses=("Connection()._add_remote_candidate", "Candidate()._network_host"),  # from 0.12 on
    lost="a client can make the server send packets to third parties, and keep it busy with STUN",
    upstream="upstream.md#smaller-proposals",
    delete_when="aioice bounds its tables, and has a hook before it sends to an address",
    is_bound=True,
)

MAX_WAITING = 1024
"""Datagrams that are queued for DTLS, which reads them at once; before its handshake, a few."""

MAX_REFLEXIVE = 16
"""Addresses of a peer that it did not announce (RFC 8445 section 7.3.1.3). The oldest unused one is
evicted: a phone that changes networks has a new one each time."""

MAX_ROLE_CONFLICTS = 1
"""Role conflicts (RFC 8445 section 7.3.1.1) of a pair of addresses, and changes of our own role:
one is enough to settle which agent controls."""

BINDING_RESPONSE = b"\x01\x01"
"""The type of a STUN message that answers a check (RFC 8489 section 5)."""

_CHECKS_RESPONSES = "integrity_key" in inspect.signature(stun.Transaction).parameters

_failures = LogThrottle()
_heard: WeakKeyDictionary[Any, dict[tuple[str, int], bool]] = WeakKeyDictionary()
"""By connection, the addresses that have sent a check with the password."""


def limit_ice(
    connection: Any,
    budget: PacketBudget,
    policy: TargetPolicy,
    allowance: SendAllowance,
    abuse: Abuse,
) -> None:
    """Bound the STUN and the datagrams of an ``aioice.Connection``.

    Args:
        connection: A connection that has not gathered its candidates yet.
        budget: The budget of its datagrams.
        policy: The policy of addresses that STUN requests may go to.
        allowance: The budget of STUN bytes to addresses that have not answered.
        abuse: Ends the connection.
    """
    guard = _IceGuard(connection, budget, policy, allowance, abuse)
    _heard[connection] = guard._peers


def heard_from(connection: Any) -> bool:
    """Return whether a peer that knows the password has sent a check; only of bounded ones."""
    return bool(_heard.get(connection))


class _IceGuard:
    """Bound the STUN and the datagrams of an ``aioice.Connection``."""

    def __init__(
        self,
        connection: Any,
        budget: PacketBudget,
        policy: TargetPolicy,
        allowance: SendAllowance,
        abuse: Abuse,
    ) -> None:
        self._connection = connection
        self._budget = budget
        self._policy = policy
        self._allowance = allowance
        self._abuse = abuse
        self._loop = asyncio.get_running_loop()
        self._peers: dict[tuple[str, int], bool] = {}  # whether each has answered
        self._conflicts: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._switches = 0
        self._size = 0  # of the datagram that is being processed
        self._hook("request_received", self._request_received)
        self._hook("respond_error", self._respond_error)
        self._hook("check_incoming", self._check_incoming)
        self._hook("check_start", self._check_start)
        self._hook("check_state", self._check_state)
        self._hook("switch_role", self._switch_role)
        self._hook("gather_candidates", self._gather_candidates)
        self._hook("data_received", self._data_received)
        if hasattr(connection, "_add_remote_candidate"):  # otherwise only requests are refused
            self._hook("_add_remote_candidate", self._add_remote_candidate)
        self._prune()

    def _hook(self, name: str, replacement: Callable[..., Any]) -> None:
        """Replace a method; the original becomes the first argument of the replacement."""
        original = getattr(self._connection, name)

        def hooked(*args: Any, **kwargs: Any) -> Any:
            return replacement(original, *args, **kwargs)

        setattr(self._connection, name, hooked)

    # Targets

    def _prune(self) -> None:
        """Remove offered candidates that the server may not send to."""
        candidates = self._connection._remote_candidates
        candidates[:] = [c for c in candidates if self._policy.admits(c.host, c.port)]

    def _add_remote_candidate(self, add: Any, candidate: Any, host: str) -> None:
        if self._policy.admits(host, candidate.port):
            add(candidate, host)
        else:
            logger.debug("A candidate is ignored: the server may not send to its address")

    # Roles

    async def _check_start(self, start: Any, pair: Any) -> None:
        if pair.state is pair.State.IN_PROGRESS:  # restarted after a role conflict
            self._conflicts[pair] = self._conflicts.get(pair, 0) + 1
            if self._conflicts[pair] > MAX_ROLE_CONFLICTS:
                self._connection.check_state(pair, pair.State.FAILED)
                self._connection.check_complete(pair)
                return
        await start(pair)

    def _switch_role(self, switch: Any, ice_controlling: bool) -> None:
        if ice_controlling == self._connection.ice_controlling:
            return
        if self._switches < MAX_ROLE_CONFLICTS:
            self._switches += 1
            switch(ice_controlling=ice_controlling)

    # Requests

    def _request_received(
        self, receive: Any, message: Any, addr: Any, protocol: Any, *data: bytes
    ) -> None:
        """Process a signed request; aioice 0.10 and 0.11 pass its bytes, and accept any."""
        signed = "MESSAGE-INTEGRITY" in message.attributes
        if signed and self._policy.allows_source(addr[0]):
            receive(message, addr, protocol, *data)

    def _respond_error(
        self, respond: Any, request: Any, addr: Any, protocol: Any, error_code: tuple[int, str]
    ) -> None:
        """Do not answer requests without a valid password: their source address may be forged."""
        if error_code[0] not in (400, 401):
            respond(request, addr, protocol, error_code)

    def _check_incoming(self, check: Any, message: Any, addr: Any, protocol: Any) -> None:
        candidates = self._connection._remote_candidates
        if "PRIORITY" not in message.attributes:
            return
        for candidate in candidates:
            if (getattr(candidate, "_network_host", candidate.host), candidate.port) == addr:
                break
        else:
            reflexive = [c for c in candidates if c.type == "prflx"]
            if len(reflexive) >= MAX_REFLEXIVE and not self._forget_one_of(reflexive):
                return
        check(message, addr, protocol)

    def _forget_one_of(self, reflexive: list[Any]) -> bool:
        connection = self._connection
        nominated = list(connection._nominated.values())
        for candidate in reflexive:
            pairs = [p for p in connection._check_list if p.remote_candidate is candidate]
            if any(p.task is not None or p in nominated for p in pairs):
                continue
            connection._remote_candidates.remove(candidate)
            for pair in pairs:
                connection._check_list.remove(pair)
            return True
        return False

    def _check_state(self, set_state: Any, pair: Any, state: Any) -> None:
        if state is pair.State.SUCCEEDED:
            self._know(pair.remote_addr, answered=True)
        set_state(pair, state)

    def _know(self, address: tuple[str, int], answered: bool) -> None:
        self._peers[address] = answered or self._peers.get(address, False)
        if len(self._peers) > MAX_ADDRESSES:
            others = (a for a, answered in self._peers.items() if not answered and a != address)
            del self._peers[next(others, next(iter(self._peers)))]

    # Datagrams

    async def _gather_candidates(self, gather: Any) -> None:
        await gather()
        for protocol in self._connection._protocols:
            self._guard(protocol)

    def _guard(self, protocol: Any) -> None:
        receive, send = protocol.datagram_received, protocol.send_stun

        def datagram_received(data: bytes, addr: Any) -> None:
            if not self._admits(data, (addr[0], addr[1])) or not self._is_authentic(data):
                return
            self._size = len(data)
            try:
                receive(data, addr)
            except Exception:  # aioice raises on malformed messages; asyncio would log each
                _failures.log(logger.debug, "A STUN message could not be processed", exc_info=True)

        def send_stun(message: Any, addr: tuple[str, int]) -> None:
            if self._may_send(message, (addr[0], addr[1])):
                send(message, addr)

        protocol.datagram_received = datagram_received
        protocol.send_stun = send_stun

    @guarded(False)
    def _admits(self, data: bytes, address: tuple[str, int]) -> bool:
        now = self._loop.time()
        known = address in self._peers or self._is_nominated(address)
        if self._budget.admits(data, known, now):
            return True
        if known and self._budget.persists(now):
            self._abuse("The client sends too many packets")
        return False

    @guarded(False)
    def _is_authentic(self, data: bytes) -> bool:
        """Return whether a response is signed; aioice checks that itself from 0.13 on."""
        if _CHECKS_RESPONSES or data[:2] != BINDING_RESPONSE:
            return True
        return is_signed(data, self._connection.remote_password.encode("utf8"))

    @guarded(False)
    def _may_send(self, message: Any, address: tuple[str, int]) -> bool:
        is_request = message.message_class == stun.Class.REQUEST
        if not is_request:
            self._allowance.earn(self._size)  # for a request with a valid password
            self._size = 0
            if message.message_class == stun.Class.RESPONSE:
                self._know(address, answered=False)
        elif address not in self._peers and not self._policy.allows(*address):
            return False
        answered = self._peers.get(address, False) or self._is_nominated(address)
        return answered or self._allowance.spend(len(bytes(message)))

    def _is_nominated(self, address: tuple[str, int]) -> bool:
        pairs = self._connection._nominated.values()
        return any(pair.remote_addr == address for pair in pairs)

    def _data_received(self, receive: Any, data: Any, component: Any) -> None:
        queue = self._connection._queue
        if data is None or queue.qsize() < MAX_WAITING:
            receive(data, component)
