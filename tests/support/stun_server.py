"""A STUN server (RFC 8489): it answers each Binding request with the address that it came from.

    python -m tests.support.stun_server 203.0.113.20 3478

It prints `"ready"` once it answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aioice import stun

__all__ = ["StunServer"]


class StunServer(asyncio.DatagramProtocol):
    """Answers Binding requests."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = stun.parse_message(data)
        response = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = addr
        self._transport.sendto(bytes(response), addr)


async def _main(address: str, port: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(StunServer, local_addr=(address, int(port)))
    print(json.dumps("ready"), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
