"""What the lines of the Python client have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ..client import Client, ClientError
from .errors import not_connected
from .impairments import Network
from .line import RATE, Message
from .live_line import LiveLine

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["ClientLine"]


class ClientLine(LiveLine):
    """A line of the Python client, to a real server.

    Args:
        stream: The stream, or the URL of a server.
        network: The faults of the network, in both directions.
        headers: Headers of each request.
    """

    transport: Literal["webrtc", "websocket"]

    def __init__(self, stream: Stream | str, network: Network, headers: Mapping[str, str]) -> None:
        super().__init__(stream, network, headers)
        self._client: Client | None = None
        self._frames: asyncio.Queue[NDArray[np.int16]] = asyncio.Queue()

    async def _connect(self, url: str) -> None:
        client = self._client = self._create_client(url)
        client._reports.carry = self._carry
        try:
            await client.connect()
        except ClientError as error:
            raise not_connected(str(error), error) from error
        self._run("send", self._send(client))
        self._run("hear", self._hear(client))
        self._run("read", self._read(client))
        self._run("end", self._wait_for_end(client))

    def _create_client(self, url: str) -> Client:
        return Client(
            url,
            self.transport,
            mode="send-receive" if self._stream is None else self._stream.mode,
            id=self.id,
            headers=self._headers,
            rtc_configuration=None if self._stream is None else {"iceServers": []},
            paced=False,
            resume=self.resumes,
            timeout_s=self.connect_limit_s,
        )

    def _carry(self, deliver: Callable[[], None]) -> None:
        """Deliver audio to the server, through the network."""
        self._sending.carry(deliver)

    def _carry_back(self, deliver: Callable[[], None]) -> None:
        """Deliver audio to the caller, through the network."""
        self._receiving.carry(deliver)

    async def _disconnect(self) -> None:
        if self._client is not None:
            await self._client.close()

    def send(self, frame: NDArray[np.int16]) -> None:
        """Send 20 ms of audio, unless the stream only sends."""
        if self._sends:
            self._carry(lambda: self._frames.put_nowait(frame))

    async def _send(self, client: Client) -> None:
        while True:
            frame = await self._frames.get()
            if client.error is not None:
                return
            await client.send_audio((RATE, frame))

    async def _hear(self, client: Client) -> None:
        async for chunk in client.audio():
            client.playout_delay_s = self._speaker.waits_s + self.output_delay_s
            self._carry_back(partial(self._speaker.push, chunk.rate, chunk.samples))

    async def _read(self, client: Client) -> None:
        async for message in client.messages():
            control = {
                "clear": self._speaker.clear,
                "pause": self._speaker.pause,
                "resume": self._speaker.resume,
            }.get(str(message["type"]))
            if control is not None and self.transport == "websocket":
                self._carry_back(control)
            elif message["type"] != "report_heard":  # the client answers
                self.on_message(cast(Message, message))

    async def _wait_for_end(self, client: Client) -> None:
        error = await client.wait_closed()
        if error is not None:
            self._ended(str(error.meta.get("reason") or error))
