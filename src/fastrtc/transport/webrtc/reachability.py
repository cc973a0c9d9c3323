"""Test whether STUN and TURN servers are reachable, with real requests."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aioice import stun, turn
from aiortc.rtcicetransport import parse_stun_turn_uri

from .configuration import to_aiortc_configuration

__all__ = ["ANSWER_TIMEOUT_S", "Failure", "Reached", "try_servers"]

ANSWER_TIMEOUT_S = 5.0
"""How long a server may take to answer; the same as for connections of aioice."""

Failure = Literal[
    "name",
    "silent",
    "unreachable",
    "tls",
    "credentials",
    "no credentials",
    "refused",
    "unsupported",
]


@dataclass(frozen=True)
class Reached:
    """The result of a request to one server.

    Attributes:
        url: Its URL, as in the configuration.
        kind: The kind of candidate that is requested: ``"srflx"`` (our address as seen by the
            server) or ``"relay"``.
        address: Host and port of the candidate; None if there is none.
        failure: Why there is none.
        detail: The original error message.
    """

    url: str
    kind: Literal["srflx", "relay"]
    address: str | None = None
    failure: Failure | None = None
    detail: str = ""


async def try_servers(configuration: Any) -> list[Reached]:
    """Request a candidate from each server of a configuration, concurrently.

    Args:
        configuration: In the format of browsers, with ``iceServers``.

    Raises:
        ValueError: If it is malformed.
    """
    if isinstance(configuration, Mapping) and not configuration.get("iceServers"):
        return []
    attempts = []
    for server in to_aiortc_configuration(configuration).iceServers or []:
        for url in [server.urls] if isinstance(server.urls, str) else server.urls:
            attempts.append(_try_server(url, server.username, server.credential))
    return await asyncio.gather(*attempts)


async def _try_server(url: str, username: str | None, credential: Any) -> Reached:
    parsed = parse_stun_turn_uri(url)
    address = (parsed["host"], parsed["port"])
    secure = parsed["scheme"].endswith("s")
    kind: Literal["srflx", "relay"] = "srflx" if parsed["scheme"].startswith("stun") else "relay"

    def failed(failure: Failure, detail: object = "") -> Reached:
        return Reached(url, kind, failure=failure, detail=str(detail))

    transport = parsed.get("transport", "udp")
    if (kind == "srflx" and secure) or (secure and transport != "tcp"):
        return failed("unsupported", "aiortc supports STUN over UDP; TURN over UDP, TCP and TLS")
    if kind == "relay" and (not username or not credential):
        missing = [] if username else ["username"]
        missing += [] if credential else ["credential"]
        return failed("no credentials", f"it has no {' and no '.join(missing)}")
    try:
        attempt = (
            _ask_stun(address)
            if kind == "srflx"
            else _ask_turn(address, username, credential, transport, secure)
        )
        host, port = await asyncio.wait_for(attempt, ANSWER_TIMEOUT_S)
    except stun.TransactionFailed as error:
        code, reason = error.response.attributes.get("ERROR-CODE", (0, "no reason given"))
        return failed("credentials" if code == 401 else "refused", f"{code} {reason}")
    except (asyncio.TimeoutError, stun.TransactionTimeout):
        return failed("silent", f"no answer within {ANSWER_TIMEOUT_S:.0f} s")
    except socket.gaierror as error:
        return failed("name", error)
    except ssl.SSLError as error:
        return failed("tls", error)
    except OSError as error:
        return failed("unreachable", error)
    return Reached(url, kind, f"{host}:{port}")


async def _ask_turn(
    address: tuple[str, int],
    username: str | None,
    credential: str,
    transport: str,
    secure: bool,
) -> tuple[str, int]:
    """Allocate a relay at a TURN server, and release it."""
    relay, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=address,
        username=username,
        password=credential,
        ssl=secure,
        transport=transport,
    )
    host, port = relay.get_extra_info("sockname")[:2]
    relay.close()
    return host, port


async def _ask_stun(address: tuple[str, int]) -> tuple[str, int]:
    """Send a Binding request to a STUN server (RFC 8489); return our address as seen by it."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[tuple[str, int]] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _BindingRequest(answered), remote_addr=address, family=socket.AF_INET
    )
    try:
        return await answered
    finally:
        transport.close()


class _BindingRequest(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future[tuple[str, int]]) -> None:
        self._answered = answered
        self._message = stun.Message(
            message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST
        )
        self._retry: asyncio.TimerHandle | None = None
        self._wait = stun.RETRY_RTO

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        """Send the request, and again after doubling intervals, as datagrams may be lost."""
        self._transport.sendto(bytes(self._message))  # type: ignore[attr-defined]
        self._retry = asyncio.get_running_loop().call_later(self._wait, self._send)
        self._wait *= 2

    def datagram_received(self, data: bytes, addr: object) -> None:
        try:
            answer = stun.parse_message(data)
        except ValueError:
            return
        if answer.transaction_id == self._message.transaction_id and not self._answered.done():
            host, port = answer.attributes["XOR-MAPPED-ADDRESS"]
            self._answered.set_result((host, port))

    def error_received(self, exc: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._retry is not None:
            self._retry.cancel()
