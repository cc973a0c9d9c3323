"""The public addresses of the server, some of which are requested from STUN servers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from ....core.ice import stun_server
from ....core.log_throttle import LogThrottle
from .stun_query import ask_stun_server, resolve

__all__ = ["PublicAddresses"]

logger = logging.getLogger(__name__)

RETRANSMIT_S = 0.1
"""Interval of requests to the STUN server, in seconds; doubled each time (RFC 8489 section
6.2.1, where 0.5 s is for slow networks)."""

_unanswered = LogThrottle()


class PublicAddresses:
    """The addresses that are announced in place of local ones.

    Args:
        given: The addresses, or ``"stun:host:port"`` for a server to ask; see ``Ice.public_ip``.
    """

    def __init__(self, given: Sequence[str]) -> None:
        servers = {one: stun_server(one) for one in given}
        self._known = [one for one, server in servers.items() if server is None]
        self._unknown = {one: server for one, server in servers.items() if server is not None}

    async def get(self, timeout_s: float) -> list[str]:
        """Return the addresses; query the STUN servers that have not responded yet.

        Args:
            timeout_s: How long to wait for them, in seconds.
        """
        asked = [self._learn(url, server, timeout_s) for url, server in self._unknown.items()]
        await asyncio.gather(*asked)
        return list(self._known)

    async def _learn(self, url: str, server: tuple[str, int], timeout_s: float) -> None:
        try:
            found = await asyncio.wait_for(_ask(*server), timeout_s)
        except (OSError, asyncio.TimeoutError) as error:
            _unanswered.log(
                logger.warning,
                "public_ip: %s does not answer (%s); the server's own addresses are announced",
                url,
                str(error) or f"within {timeout_s:g} s",
            )
            return
        if self._unknown.pop(url, None) is not None:
            self._known.append(found)
            logger.info("public_ip: %s says %s", url, found)


async def _ask(host: str, port: int) -> str:
    address, _ = await ask_stun_server(await resolve(host, port), RETRANSMIT_S)
    return address
