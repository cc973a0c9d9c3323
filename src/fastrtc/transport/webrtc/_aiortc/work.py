"""All bounds on the work that the packets of a peer cause."""

from __future__ import annotations

from collections.abc import Callable

from aiortc import RTCPeerConnection

from ....core.limits import Limits
from ..ice_targets import SendAllowance, TargetPolicy
from ..packet_budget import PacketBudget
from .abuse import Abuse
from .ice import limit_ice
from .rtp_receiver import limit_receiver
from .rtp_sender import limit_sender
from .rtp_streams import limit_streams
from .sctp_work import limit_sctp
from .transports import dtls_transports, ice_connections

__all__ = ["limit_work"]


def limit_work(
    pc: RTCPeerConnection,
    limits: Limits,
    policy: TargetPolicy,
    allowance: SendAllowance,
    on_abuse: Callable[[str], None],
) -> list[PacketBudget]:
    """Bound what the packets of a peer cost.

    To be called when the offer has been set, before the own candidates are gathered.

    Args:
        pc: The connection.
        limits: How many packets and messages it may send.
        policy: Where STUN requests may go.
        allowance: How many bytes of STUN may go to addresses that have not answered.
        on_abuse: Called once, with the reason, when the peer goes on sending too much.

    Returns:
        The budget of each transport, which counts what was dropped.
    """
    abuse = Abuse(on_abuse)
    budgets: dict[int, PacketBudget] = {}
    for connection in ice_connections(pc):
        budget = budgets[id(connection)] = PacketBudget(limits.packets_per_s)
        limit_ice(connection, budget, policy, allowance, abuse)
    for transport in dtls_transports(pc):
        budget = budgets[id(transport.transport._connection)]
        limit_streams(transport, budget, allowance, abuse)
    for transceiver in pc.getTransceivers():
        limit_receiver(transceiver.receiver)
        limit_sender(transceiver.sender)
    if pc.sctp is not None:
        limit_sctp(pc.sctp, limits.messages_per_s, abuse)
    return list(budgets.values())
