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
from .ports.stun_query import ask_stun_server

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
            ask_stun_server(address)
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
