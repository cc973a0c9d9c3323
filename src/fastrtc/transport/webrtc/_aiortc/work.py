"""All bounds on the work that a peer's packets cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aiortc import RTCPeerConnection

from ....core.limits import Limits
from ..ice_targets import SendAllowance, TargetPolicy
from ..packet_budget import PacketBudget
from .abuse import Abuse
from .ice import limit_ice
from .rtp_receiver import limit_receiver
from .rtp_sender import limit_sender
from .rtp_streams import StreamBounds, limit_streams
from .sctp_work import limit_sctp
from .transports import dtls_transports, ice_connections

__all__ = ["Bounds", "limit_work"]


@dataclass
class Bounds:
    """The bounds of a connection, for code that processes packets in place of aiortc.

    Attributes:
        abuse: Ends the connection.
        budgets: The budget of each ICE connection, by its ``id()``.
        streams: The bounds of each DTLS transport, by its ``id()``.
        receivers: A function for each receiver, by its ``id()``: see ``limit_receiver``.
    """

    abuse: Abuse
    budgets: dict[int, PacketBudget] = field(default_factory=dict)
    streams: dict[int, StreamBounds] = field(default_factory=dict)
    receivers: dict[int, Callable[[int, int], bool]] = field(default_factory=dict)


def limit_work(
    pc: RTCPeerConnection,
    limits: Limits,
    policy: TargetPolicy,
    allowance: SendAllowance,
    on_abuse: Callable[[str], None],
) -> Bounds:
    """Bound the cost of a peer's packets.

    To be called once the offer is set, before candidates are gathered.

    Args:
        pc: The connection.
        limits: The rates of packets and messages.
        policy: The policy of addresses that STUN requests may go to.
        allowance: The budget of STUN bytes to addresses that have not answered.
        on_abuse: Called once, with the reason, when the peer persistently sends too much.

    Returns:
        The bounds.
    """
    bounds = Bounds(Abuse(on_abuse))
    abuse, budgets = bounds.abuse, bounds.budgets
    for connection in ice_connections(pc):
        budget = budgets[id(connection)] = PacketBudget(limits.packets_per_s)
        limit_ice(connection, budget, policy, allowance, abuse)
    for transport in dtls_transports(pc):
        budget = budgets[id(transport.transport._connection)]
        bounds.streams[id(transport)] = limit_streams(transport, budget, allowance, abuse)
    for transceiver in pc.getTransceivers():
        receiver = transceiver.receiver
        bounds.receivers[id(receiver)] = limit_receiver(receiver)
        limit_sender(transceiver.sender)
    if pc.sctp is not None:
        limit_sctp(pc.sctp, limits.messages_per_s, abuse)
    return bounds
