"""A telephone call through Twilio: its webhook, and its Media Streams protocol."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ..audio.encodings import ENCODINGS
from ..audio.resample import StreamResampler
from ..client.signaling import no_proxy, unreachable
from ..client.socket_redirects import connect_socket
from ..server.endpoint import endpoint_of
from ..transport.telephony.signature import HEADER
from ..transport.telephony.twiml import PhoneExtraMissing, require_twilio
from .errors import CallFailed, not_connected
from .impairments import Network
from .line import RATE
from .live_line import LiveLine

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["TwilioLine"]

PHONE_RATE = 8000
"""Sample rate of a telephone call in Hz."""

FRAME = 160
"""Samples of a message of Twilio: 20 ms."""

WEBHOOK, SOCKET = "/telephone/incoming", "/telephone/handler"
MULAW = ENCODINGS["mulaw"]
CALLER_NUMBER, CALLEE_NUMBER = "+15005550006", "+15005550010"
"""Telephone numbers of Twilio's test credentials, which reach no telephone."""


class TwilioLine(LiveLine):
    """A telephone call: the webhook is posted, and its TwiML connects the call.

    Audio is 8 kHz mu-law. What arrives is played in real time, ``clear`` drops what was not, and
    marks are returned when the audio before them has been played, as Twilio does.

    Args:
        stream: The stream, or the URL of a server, which does not verify signatures.
        network: The faults of the network, in both directions.
        headers: Headers of the webhook and of the WebSocket.
    """

    max_queued_s = 60.0
    tells_errors = False

    def __init__(self, stream: Stream | str, network: Network, headers: Mapping[str, str]) -> None:
        super().__init__(stream, network, headers)
        self.id = f"MZ{self.id}"
        self._call_id = f"CA{self.id[2:]}"
        self._socket: ClientConnection | None = None
        self._resampler = StreamResampler(RATE, PHONE_RATE)
        self._rest = np.zeros((1, 0), np.int16)
        self._started = False
        self._to_send: asyncio.Queue[str] = asyncio.Queue()

    async def _connect(self, url: str) -> None:
        parameters = await self._post_webhook(url)
        address = url.removeprefix("http") + SOCKET
        headers = self._signed(f"wss{address}", {})  # Twilio connects through TLS
        try:
            self._socket = await connect_socket(f"ws{address}", headers)
        except InvalidStatus as error:
            raise not_connected(f"ws{address} answers {error.response.status_code}") from error
        start = {
            "streamSid": self.id,
            "callSid": self._call_id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        }
        self._post({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._post({"event": "start", "start": start})
        self._run("send", self._send(self._socket))
        self._run("read", self._read(self._socket))

    async def _post_webhook(self, url: str) -> dict[str, str]:
        """Return the parameters of the stream in the TwiML.

        Raises:
            CallFailed: If the TwiML does not connect the call, with what it says instead.
        """
        try:
            require_twilio()
        except PhoneExtraMissing as error:
            raise CallFailed(str(error)) from error
        form = {"CallSid": self._call_id, "From": CALLER_NUMBER, "To": CALLEE_NUMBER}
        address = url + WEBHOOK
        async with httpx.AsyncClient(mounts=no_proxy(url), timeout=None) as http:  # noqa: S113
            try:
                response = await http.post(address, data=form, headers=self._signed(address, form))
            except httpx.HTTPError as error:
                cause = unreachable(address, error)
                raise not_connected(str(cause), cause) from error
        if not response.is_success:
            raise not_connected(f"{address} answers {response.status_code}{_why(response)}")
        try:
            twiml = ElementTree.fromstring(response.text)
        except ElementTree.ParseError as error:
            raise not_connected(f"{address} answers no TwiML: {response.text[:100]!r}") from error
        stream = twiml.find("Connect/Stream")
        if stream is None:
            said = " ".join(element.text or "" for element in twiml.iter("Say"))
            raise not_connected(f"the program says {said or response.text!r}")
        if urlsplit(stream.get("url", "")).path != SOCKET:
            raise not_connected(f"the TwiML connects to {stream.get('url')}, not {SOCKET}")
        parameters = stream.findall("Parameter")
        return {one.get("name", ""): one.get("value", "") for one in parameters}

    def _signed(self, url: str, form: dict[str, str]) -> dict[str, str]:
        """Return the headers, with Twilio's signature if the stream verifies it."""
        if self._stream is None:
            return self._headers
        token = endpoint_of(self._stream).telephone.auth_token
        if token is None:
            return self._headers
        from twilio.request_validator import RequestValidator

        signature = RequestValidator(token).compute_signature(url, form)
        return {**self._headers, HEADER: signature}

    async def _disconnect(self) -> None:
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await self._socket.send(json.dumps({"event": "stop", "streamSid": self.id}))
            await self._socket.close()

    def send(self, frame: NDArray[np.int16]) -> None:
        """Send 20 ms of audio."""
        new = self._resampler.process(frame[np.newaxis])
        if not self._started:  # the resampler has a delay, and a frame must not wait for the next
            self._started = True
            self._rest = np.zeros((1, max(0, FRAME - new.shape[1])), np.int16)
        samples = np.concatenate((self._rest, new), axis=1)
        while samples.shape[1] >= FRAME:
            payload = base64.b64encode(MULAW.encode(samples[:, :FRAME])).decode()
            self._post({"event": "media", "media": {"track": "inbound", "payload": payload}})
            samples = samples[:, FRAME:]
        self._rest = samples

    async def press(self, digit: str) -> None:
        """Press a key (DTMF)."""
        self._post({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": digit}})

    def _post(self, message: dict[str, Any]) -> None:
        text = json.dumps({"streamSid": self.id, **message})
        self._sending.carry(lambda: self._to_send.put_nowait(text))

    async def _send(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await socket.send(await self._to_send.get())

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                message = json.loads(text)
                self._receiving.carry(partial(self._receive, message))
        lost = socket.close_code in (None, 1006)
        self._ended("the connection was lost" if lost else socket.close_reason or "")

    def _receive(self, message: dict[str, Any]) -> None:
        event = message.get("event")
        if event == "media":
            samples = MULAW.decode(base64.b64decode(message["media"]["payload"]))
            for start in range(0, len(samples), FRAME):
                self._speaker.push(PHONE_RATE, samples[start : start + FRAME])
        elif event == "clear":
            self._speaker.clear()
        elif event == "mark":
            name = message["mark"]["name"]
            self._speaker.after(lambda: self._post({"event": "mark", "mark": {"name": name}}))
        elif isinstance(message.get("type"), str):
            self.on_message(message)


def _why(response: httpx.Response) -> str:
    """Return a reason that a response gives, with a colon."""
    if response.status_code in (404, 405):
        return ": there is no stream at this URL"
    return f": {response.text[:200]}" if response.text else ""
