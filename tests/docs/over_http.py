"""A peer that connects as browsers do: by a request to the app."""

from typing import Any

import httpx
from fastapi import FastAPI

from fastrtc import Stream
from tests.support.peers import LOCAL, Client

__all__ = ["HttpClient"]


class HttpClient(Client):
    """A peer of a stream that is mounted on an app, below a path."""

    def __init__(
        self,
        app: FastAPI,
        stream: Stream,
        path: str = "",
        headers: dict[str, str] | None = None,
        **media: Any,
    ) -> None:
        stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
        super().__init__(stream, **media)
        self.app = app
        self.path = path
        self.headers = headers

    async def post(self, body: dict[str, Any]) -> Any:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            path = f"{self.path}/webrtc/offer"
            return (await http.post(path, json=body, headers=self.headers)).json()
