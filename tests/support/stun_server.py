"""A STUN server (RFC 8489), and requests to one.

The server answers each Binding request with the address that it came from. As a program:

    python -m tests.support.stun_server 203.0.113.20 3478

It prints `"ready"` once it answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aioice import stun

__all__ = ["PUBLIC", "StunServer", "binding_request", "stun_server"]

PUBLIC = ("203.0.113.5", 40000)
"""The address that a server of `stun_server` tells."""


def binding_request(ufrag: str) -> bytes:
    """Return a Binding request to the connection with a username fragment."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:theirs"
    return bytes(message)


class StunServer(asyncio.DatagramProtocol):
    """Answers Binding requests.

    Args:
        address: The address to tell, or None for that of the client.

    Attributes:
        address: The address to tell, or None for that of the client.
        knows: The hosts that are answered; empty for all.
        silent: Whether nobody is answered.
        junk: Whether malformed answers come first.
        asked: The number of requests so far.
        url: The URL of the server.
    """

    def __init__(self, address: tuple[str, int] | None = None, *, junk: bool = False) -> None:
        self.address = address
        self.knows: set[str] = set()
        self.silent = False
        self.junk = junk
        self.asked = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        host, port = transport.get_extra_info("sockname")[:2]
        self.url = f"stun:{host}:{port}"

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        if self.silent or (self.knows and addr[0] not in self.knows):
            return
        request = stun.parse_message(data)
        response = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = self.address or addr
        whole = bytes(response)
        for answer in [b"junk", whole[:26], whole] if self.junk else [whole]:
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def stun_server() -> AsyncIterator[StunServer]:
    """Run a server on 127.0.0.1 that tells every client `PUBLIC`, after malformed answers."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: StunServer(PUBLIC, junk=True), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
        await asyncio.sleep(0)


async def _main(address: str, port: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(StunServer, local_addr=(address, int(port)))
    print(json.dumps("ready"), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
