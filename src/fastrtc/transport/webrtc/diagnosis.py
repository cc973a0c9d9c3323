"""Why a WebRTC connection is not established, and what to open or set. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ...core.diagnosis import CandidateInfo, CheckInfo
from ...core.ice import Ice
from .address_scope import is_loopback, is_public, parse_address, private_network
from .dtls_refusal import DtlsRefusal

__all__ = [
    "ACTIVE_TCP",
    "RESOLVING",
    "UNRESOLVED",
    "Explanation",
    "Situation",
    "explain",
    "ignored_because",
]

RESOLVING = "its multicast DNS name is being resolved"
UNRESOLVED = "its multicast DNS name was not resolved"
ACTIVE_TCP = "active TCP: the client connects from any port"

TURN = (
    "a TURN server over TLS on port 443 (turns:HOST:443?transport=tcp) in rtc_configuration passes "
    "most firewalls"
)
TEST_TURN = "Test the TURN server: fastrtc doctor --turn URL --username NAME --credential PASSWORD."

_SHOWN = 4  # addresses in a sentence


@dataclass(frozen=True)
class Situation:
    """What is known about a connection.

    Attributes:
        observer: The side that knows it.
        server: The candidates of the server.
        client: The candidates of the client, including those that are not used.
        checks: The checks of the observer.
        selected: The pair that ICE has selected.
        heard: Whether a check of the other side has arrived.
        dtls: The state of DTLS.
        ice: The options of the server; None if they are unknown.
        server_relay_only: Whether the server uses only a TURN server.
        turn_failures: For each TURN server of the server that failed, its address and the reason.
        vanished: Whether the client does not answer the checks of the selected pair any more.
        dtls_refusal: Why the DTLS handshake was refused; None if it was not, or is not known.
    """

    observer: Literal["server", "client"]
    server: tuple[CandidateInfo, ...] = ()
    client: tuple[CandidateInfo, ...] = ()
    checks: tuple[CheckInfo, ...] = ()
    selected: CheckInfo | None = None
    heard: bool = False
    dtls: str = "new"
    ice: Ice | None = None
    server_relay_only: bool = False
    turn_failures: tuple[str, ...] = ()
    vanished: bool = False
    dtls_refusal: DtlsRefusal | None = None


@dataclass(frozen=True)
class Explanation:
    """Why a connection is not established.

    Attributes:
        problem: The reason, as a clause; empty if it is established.
        advice: What to do, most likely first; each a sentence.
    """

    problem: str = ""
    advice: tuple[str, ...] = ()


def explain(situation: Situation) -> Explanation:
    """Return why a connection is not established, and what to open or set."""
    why = _explain(situation)
    if situation.turn_failures and situation.server and why.problem:
        failed = f"The server's TURN server {'; '.join(situation.turn_failures)}. {TEST_TURN}"
        return Explanation(why.problem, (*why.advice, failed))
    return why


def _explain(situation: Situation) -> Explanation:
    if situation.dtls == "connected":
        return Explanation()
    if situation.selected is not None:
        return _dtls_failed(situation, situation.selected)
    has_reason = situation.turn_failures or situation.server_relay_only
    if not situation.client and not situation.heard and (situation.server or not has_reason):
        return _no_client_candidates()  # aiortc then gathers none for the server, either
    if not situation.server:
        return _no_server_candidates(situation)
    usable = [c for c in situation.client if not c.note]
    if not usable and not situation.heard:
        return _no_usable_candidates(situation)
    if any(check.state == "succeeded" for check in situation.checks):
        return _not_nominated(situation)
    if situation.heard:
        return _one_way(situation)
    if not situation.checks:
        return _nothing_in_common(situation, usable)
    return _unreachable(situation, usable)


def ignored_because(host: str, port: int, private: bool) -> str:
    """Return why the server does not send to an address of a client that its policy refuses.

    Args:
        host: The address.
        port: The port.
        private: Whether the policy allows private addresses.
    """
    address = parse_address(host)
    if address is None:
        return "ignored: not an IP address"
    if address.is_loopback:
        return "ignored: the client is not on the server's machine"
    if address.is_link_local:
        return "ignored: the client is not on the server's link"
    if not private and not address.is_global:
        return "ignored: Limits(private_candidates=False)"
    if port < 1024:
        return "ignored: the port belongs to another service"
    return "ignored: too many, or not an address of a client"


def _dtls_failed(situation: Situation, selected: CheckInfo) -> Explanation:
    found = f"ICE has found a route ({selected.route}), but"
    if situation.dtls_refusal is not None:
        observer, other = _sides(situation)
        problem = situation.dtls_refusal.problem(observer, other)
        return Explanation(f"{found} {problem}", situation.dtls_refusal.advice(other))
    if situation.vanished:
        return Explanation(
            f"{found} the client vanished during the DTLS handshake",
            ("The client was closed, or lost its network: try again.",),
        )
    return Explanation(
        f"{found} the DTLS handshake did not finish",
        (
            "Something on the route drops large packets: lower the MTU of the VPN, tunnel or "
            "container network.",
            "Or the client was closed at that moment: try again.",
        ),
    )


def _no_server_candidates(situation: Situation) -> Explanation:
    if situation.turn_failures:
        return Explanation(
            "the server has no address to offer, as its TURN server "
            + "; ".join(situation.turn_failures),
            ("Correct server_rtc_configuration.", TEST_TURN),
        )
    if situation.server_relay_only:
        return Explanation(
            "the server has no address to offer: its iceTransportPolicy is 'relay', and it has no "
            "TURN server",
            ("Add a TURN server to server_rtc_configuration, or remove iceTransportPolicy.",),
        )
    if situation.ice is not None and situation.ice.interfaces is not None:
        return Explanation(
            f"the server has no address to offer: none matches Ice(interfaces="
            f"{list(situation.ice.interfaces)!r})",
            ("Correct Ice(interfaces=...): names, addresses or networks of this machine.",),
        )
    return Explanation(
        "the server has no address to offer",
        ("Connect the server's machine to a network.",),
    )


def _no_client_candidates() -> Explanation:
    return Explanation(
        "the client offered no address",
        (
            "With iceTransportPolicy 'relay', the TURN server of rtc_configuration did not answer "
            "it, or refused its username and credential.",
            "A page of your own must send its candidates: in the offer, or one by one (trickle "
            "ICE).",
        ),
    )


def _no_usable_candidates(situation: Situation) -> Explanation:
    notes = {c.note for c in situation.client} - {ACTIVE_TCP}
    if not notes:
        return Explanation(
            "the client offered only TCP candidates: its browser or network does not use UDP",
            (_tcp_advice(situation), f"Or {TURN}."),
        )
    if notes <= {RESOLVING, UNRESOLVED}:
        return Explanation(
            "the client hides its addresses behind multicast DNS names, which the server cannot "
            f"resolve, and cannot reach those of the server ({_hosts(situation.server)})",
            (
                *_open_server(situation),
                "A STUN server in rtc_configuration lets the client offer its public address.",
            ),
        )
    ignored = "; ".join(f"{c.address} ({c.note})" for c in situation.client[:_SHOWN])
    if any("private_candidates" in note for note in notes):
        advice: tuple[str, ...] = (
            "Clients in the server's own network need Limits(private_candidates=True).",
            "Others need a STUN server in rtc_configuration, which tells their public address.",
        )
    else:
        advice = (
            "A client that comes through a tunnel or a proxy has to offer other addresses: with a "
            "STUN or TURN server in rtc_configuration.",
        )
    return Explanation(f"the server uses no address of the client: {ignored}", advice)


def _not_nominated(situation: Situation) -> Explanation:
    observer, other = _sides(situation)
    return Explanation(
        f"{other} answers the checks of {observer}, but ICE did not finish: packets are lost, or "
        "the client was closed",
        ("Try again.", *_open_server(situation)),
    )


def _one_way(situation: Situation) -> Explanation:
    observer, other = _sides(situation)
    return Explanation(
        f"packets of {other} arrive, but those of {observer} do not reach {other}",
        (
            f"Allow outgoing UDP packets, to any port, in the firewall of {observer}'s network.",
            *(
                ("If the server has several networks, select one: Ice(interfaces=[...]).",)
                if situation.observer == "server"
                else ()
            ),
            f"If that is not possible, {TURN}.",
        ),
    )


def _nothing_in_common(situation: Situation, usable: list[CandidateInfo]) -> Explanation:
    def kinds(candidates: Iterable[CandidateInfo]) -> str:
        found = {f"IPv{6 if ':' in c.host else 4} over {c.transport.upper()}" for c in candidates}
        return ", ".join(sorted(found)) or "none"

    server, client = kinds(situation.server), kinds(usable)
    if server == client:  # not paired yet, or the pairs are unknown
        return _unreachable(situation, usable)
    return Explanation(
        f"the two sides have no kind of address in common: the server has {server}, the client "
        f"{client}",
        (
            "Give the server an address of the client's kind, or both a TURN server.",
            *(
                ("Ice(ipv6=False) keeps IPv6 from being used.",)
                if situation.ice is not None and not situation.ice.ipv6
                else ()
            ),
        ),
    )


def _unreachable(situation: Situation, usable: list[CandidateInfo]) -> Explanation:
    server, ice = situation.server, situation.ice
    if all(c.type == "relay" for c in server):
        return Explanation(
            f"nothing arrives over the server's TURN server ({_hosts(server)})",
            (
                "Let the TURN server reach both sides: its firewall must allow its relay ports, "
                "and coturn's denied-peer-ip must not contain their addresses.",
                TEST_TURN,
            ),
        )
    if usable and all(c.type == "relay" for c in usable):
        return Explanation(
            f"the client uses only its TURN server ({_hosts(usable)}), which cannot reach the "
            f"server ({_hosts(server)})",
            (
                "Let the TURN server reach the server: coturn's denied-peer-ip must not contain "
                "its address, and a private address needs Ice(public_ip=...).",
                *_open_server(situation),
            ),
        )
    if all(is_loopback(c.host) for c in server):
        return Explanation(
            f"the server announced only addresses of its own machine ({_hosts(server)}), which "
            "other machines cannot reach",
            ('Set Ice(public_ip="..."), or connect the machine to a network.',),
        )
    if not any(is_public(c.host) for c in server) and _is_elsewhere(usable, server):
        return Explanation(
            f"the server announced only private addresses ({_hosts(server)}), and the client "
            f"({_hosts(usable)}) is in another network",
            (
                _public_ip_advice(ice),
                f"If no port can be forwarded to the server, {TURN} and server_rtc_configuration.",
            ),
        )
    return Explanation(
        f"no packet arrives between the client ({_hosts(usable)}) and the server "
        f"({_hosts(server)})",
        _open_server(situation),
    )


def _open_server(situation: Situation) -> tuple[str, ...]:
    """Return what lets clients reach the server."""
    ice = situation.ice
    advice = []
    if ice is None:
        udp = dict.fromkeys(c.address for c in situation.server if c.transport == "udp")
        announced = ", ".join(list(udp)[:_SHOWN])
        advice.append(
            f"Let UDP packets to {announced} through the firewalls and port mappings in front of "
            "the server; if the port differs each time, use Ice(udp_port=40000) there."
        )
    elif isinstance(ice.udp_port, int):
        advice.append(
            f"Open UDP port {ice.udp_port} in the firewalls and security groups in front of the "
            f"server; in Docker, publish it: -p {ice.udp_port}:{ice.udp_port}/udp."
        )
    elif (ports := _port_range(ice)) is not None:
        advice.append(
            f"Open UDP ports {ports} in the firewalls and security groups in front of the server; "
            f"in Docker, publish them: -p {ports}:{ports}/udp."
        )
    else:
        advice.append(
            "The server uses random UDP ports, which its firewall must let through; or set "
            "Ice(udp_port=40000), and open only that one."
        )
    if ice is not None and ice.public_ip is not None:
        public = ", ".join(ice.public_addresses)
        advice.append(
            f"Check Ice(public_ip=...), which is {public}: it has to be the address of the NAT in "
            "front of the server, which must forward the same port."
        )
    elif not any(is_public(c.host) for c in situation.server):
        advice.append(_public_ip_advice(ice))
    advice.append(f"If the client's network blocks UDP: {_tcp_advice(situation)} Or {TURN}.")
    return tuple(advice)


def _port_range(ice: Ice) -> str | None:
    """Return the ports of a range, such as ``"40000-40003"``, or None without one."""
    if isinstance(ice.udp_port, range):
        return f"{ice.udp_port[0]}-{ice.udp_port[-1]}"
    return None if ice.udp_ports is None else "-".join(map(str, ice.udp_ports))


def _public_ip_advice(ice: Ice | None) -> str:
    port = "udp_port=40000"
    if ice is not None and ice.udp_port is not None:
        port = f"udp_port={ice.udp_port}"
    elif ice is not None and ice.udp_ports is not None:
        port = f"udp_ports={ice.udp_ports!r}"
    return (
        f'On a server behind NAT, set Ice(public_ip="...", {port}) to the public address, and '
        "forward that UDP port to the server."
    )


def _tcp_advice(situation: Situation) -> str:
    ports = {c.port for c in situation.server if c.transport == "tcp"}
    if situation.ice is not None and situation.ice.tcp_port is not None:
        ports = {situation.ice.tcp_port}
    open_it = f"Open TCP port {', '.join(map(str, sorted(ports)))}, too."
    return open_it if ports else "Set Ice(tcp_port=...), and open that port."


def _sides(situation: Situation) -> tuple[str, str]:
    sides = ("the server", "the client")
    return sides if situation.observer == "server" else (sides[1], sides[0])


def _hosts(candidates: Iterable[CandidateInfo]) -> str:
    hosts = list(dict.fromkeys(c.host for c in candidates))
    more = f" and {len(hosts) - _SHOWN} more" if len(hosts) > _SHOWN else ""
    return ", ".join(hosts[:_SHOWN]) + more


def _is_elsewhere(client: Iterable[CandidateInfo], server: Iterable[CandidateInfo]) -> bool:
    """Return whether no address of the client is in a private network of the server."""
    ours = {private_network(c.host) for c in server} - {None}
    return not ours & {private_network(c.host) for c in client}
