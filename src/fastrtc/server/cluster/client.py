"""Requests to the internal endpoints of other nodes."""

from __future__ import annotations

import httpx

from ...core.errors import FastRTCError
from .directory import Node
from .internal import HEADER
from .signature import RequestSigner

__all__ = ["InternalClient", "NodeUnreachable"]

CONNECT_TIMEOUT_S = 2.0
KEEP_ALIVE_S = 20.0
"""How long idle connections are kept, in seconds; less than the other side keeps them."""

WAITING_S = 10.0
"""Requests with longer timeouts wait for the outputs of a connection or for code of the program.
They have connections of their own: httpx closes idle ones, and is slow, when many are in use."""


class NodeUnreachable(FastRTCError):
    """A node does not answer, or refuses the signature."""


class InternalClient:
    """Send requests to other nodes, over connections that are kept.

    Args:
        signer: Signs the requests.
    """

    def __init__(self, signer: RequestSigner) -> None:
        self._signer = signer
        self._clients: dict[tuple[str, bool], httpx.AsyncClient] = {}  # by address, and waiting

    async def request(self, node: Node, name: str, body: bytes, timeout_s: float) -> bytes:
        """Send a request to a node.

        Args:
            node: The node.
            name: The name of the call.
            body: The body.
            timeout_s: How long the answer may take, in seconds.

        Returns:
            The body of the response.

        Raises:
            NodeUnreachable: If there is no answer that is signed by the node.
        """
        signed = self._signer.sign(node.id, name, body)
        try:
            response = await self._client(node.address, timeout_s > WAITING_S).post(
                f"/{name}",
                content=body,
                headers={HEADER: signed.header},
                timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            text = str(error) or type(error).__name__
            raise NodeUnreachable(f"{node.address} does not answer: {text}") from error
        answer = None
        if response.status_code == 200:
            answer = self._signer.verify_response(signed, response.content)
        if answer is None:
            raise NodeUnreachable(
                f"{node.address} refuses the signature, or its own is invalid (status "
                f"{response.status_code}): do all processes have the same "
                "FASTRTC_CLUSTER_SECRET, and clocks that differ by less than 30 s?"
            )
        return answer

    def _client(self, address: str, waiting: bool) -> httpx.AsyncClient:
        client = self._clients.get((address, waiting))
        if client is None:
            uds = address.removeprefix("unix:") if address.startswith("unix:") else None
            limits = httpx.Limits(
                max_connections=None, max_keepalive_connections=32, keepalive_expiry=KEEP_ALIVE_S
            )
            client = self._clients[address, waiting] = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(verify=False, uds=uds, limits=limits),
                base_url="http://node" if uds else address,
                trust_env=False,
            )
        return client

    async def drop(self, address: str) -> None:
        """Close the connections to a node that is gone; its open requests fail."""
        for waiting in (False, True):
            client = self._clients.pop((address, waiting), None)
            if client is not None:
                await client.aclose()

    async def close(self) -> None:
        """Close all connections."""
        for address, _ in list(self._clients):
            await self.drop(address)
