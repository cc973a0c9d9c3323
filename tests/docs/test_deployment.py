"""What the programs of the page on deployment give to their clients."""

from collections.abc import Callable
from types import ModuleType

import httpx

Snippet = Callable[[str], ModuleType]


async def test_a_full_server_says_so(snippet: Snippet) -> None:
    module = snippet("deployment/app.py")
    transport = httpx.ASGITransport(module.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/readyz")).status_code == 200
        module.stream.concurrency_limit = 0
        assert (await client.get("/readyz")).status_code == 503
