"""The clients of a machine, steered over stdin; each request is answered by a line of JSON.

    {"do": "wait_until_ready", "url": "http://127.0.0.1:8000", "within": 60}
    {"do": "call", "url": "http://127.0.0.1:8000", "count": 40}
        connects clients with trickle ICE, as many requests each, and describes what they got
    {"do": "send_inputs", "rounds": 3}
        sends inputs, each of which has to come back as an output, and describes what did not
    {"do": "talk"}    lets them talk; a client that hears nothing for 3 s calls again
    {"do": "listen"}  forgets the gaps so far
    {"do": "heard"}   describes what each client has heard since then, and how long this process
        was held up at most, in seconds
    {"do": "keep_calling", "url": "...", "every_s": 0.2}
        calls and hangs up, again and again
    {"do": "stop_calling"}    returns the number of these calls, and what went wrong
    {"do": "hang_up"}         closes all connections

No request is repeated but one whose connection the server closed before it answered.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import math
import os
import uuid
from contextlib import suppress
from typing import Any

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from fastrtc.transport.webrtc._aiortc.closing import close_while_connecting
from tests.support.commands import a_few_at_a_time, answer_requests
from tests.support.encoded_tone import EncodedTone
from tests.support.peers import strip_candidates
from tests.support.stalls import Stalls

__all__ = ["Caller"]

CONNECT_TIMEOUT_S = 30.0
OUTPUT_TIMEOUT_S = float(os.environ.get("OUTPUT_TIMEOUT_S", "10"))
SILENCE_S = 3.0
"""How long a client hears nothing before it calls again, in seconds."""
PACKET_EVERY_S = float(os.environ.get("PACKET_EVERY_S", "0.02"))
"""Interval of the packets of a client that talks, in seconds."""
POLL_S = 0.1
AT_A_TIME = int(os.environ.get("AT_A_TIME", "10"))


class Caller:
    """A connection, with its outputs, and all that its requests were answered.

    Attributes:
        wrong: What was not as it has to be.
        reopened: How often the connection of its outputs was lost, and opened again.
        last_heard: When the last packet came, by the clock of the event loop.
        longest_gap: The longest time without a packet, in seconds.
    """

    def __init__(self, url: str, http: httpx.AsyncClient, talks: asyncio.Event) -> None:
        self.id = uuid.uuid4().hex
        self.url = url
        self.wrong: list[str] = []
        self.owner: int | None = None
        self.latencies: list[float] = []
        self.answered_s = self.connected_s = self.longest_gap = 0.0
        self.requests = self.reopened = 0
        self._http = http
        self._loop = asyncio.get_running_loop()
        self.last_heard = self._loop.time()
        self._outputs: asyncio.Queue[Any] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        close_while_connecting(self.pc)
        self.pc.addTrack(EncodedTone(talks, PACKET_EVERY_S))
        self.pc.createDataChannel("text")
        self.pc.on("connectionstatechange", self._changed)

    async def connect(self, *, check: bool = True) -> None:
        """Connect with trickle ICE: each candidate is a request of its own.

        Args:
            check: Whether to read the outputs, from before the offer, and to ask the owner
                whether it has the candidates.
        """
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp = self.pc.localDescription.sdp
        own = self._candidates(sdp)
        offer = {"sdp": strip_candidates(sdp), "type": "offer", "webrtc_id": self.id}
        if check and READ_FIRST:
            self.read()
        began = self._loop.time()
        answer, *_ = await asyncio.gather(self._offer(offer), *map(self._send, own))
        self.answered_s = self._loop.time() - began
        if not isinstance(answer, dict) or "sdp" not in answer:
            self.wrong.append(f"offer: {answer}")
            return
        for transceiver in self.pc.getTransceivers():
            transceiver.receiver._handle_rtp_packet = self._hear  # type: ignore[method-assign]
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        try:
            await asyncio.wait_for(self._connected.wait(), CONNECT_TIMEOUT_S)
        except asyncio.TimeoutError:
            self.wrong.append(f"not connected: {self.pc.connectionState}")
            return
        self.connected_s = self._loop.time() - began
        self.listen()
        if check:
            self.read()
        if check and ASK_CANDIDATES:
            known = await self._request("GET", f"/candidates?webrtc_id={self.id}")
            if not isinstance(known, list) or known.count("host") != len(own):
                self.wrong.append(f"candidates: {known}, not {len(own)} of type host")

    def read(self) -> None:
        """Read the outputs, if that has not begun."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_outputs())

    async def send_input(self, value: str) -> None:
        """Send an input, and wait until it comes back as an output."""
        began = self._loop.time()
        body = {"webrtc_id": self.id, "value": value}
        if not isinstance(answer := await self._request("POST", "/inputs", body), int):
            self.wrong.append(f"input: {answer}")
        self.requests += 1  # the output
        try:
            echoed, owner = await asyncio.wait_for(self._outputs.get(), OUTPUT_TIMEOUT_S)
        except asyncio.TimeoutError:
            self.wrong.append("output: none")
            return
        self.latencies.append(self._loop.time() - began)
        if echoed != value or self.owner not in (None, owner):
            self.wrong.append(f"output: {echoed} of {owner}, not {value} of {self.owner}")
        self.owner = owner

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        await self.pc.close()

    def listen(self) -> None:
        """Start to measure gaps."""
        self.last_heard, self.longest_gap = self._loop.time(), 0.0

    @property
    def silent_s(self) -> float:
        """How long ago the last packet came, in seconds."""
        return self._loop.time() - self.last_heard

    def _candidates(self, sdp: str) -> list[dict[str, Any]]:
        section = sdp.split("\r\nm=")[1]  # of the bundle
        lines = section.splitlines()
        mid = next(line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:"))
        found = [line.removeprefix("a=") for line in lines if line.startswith("a=candidate:")]
        return [{"candidate": one, "sdpMid": mid, "sdpMLineIndex": 0} for one in found]

    async def _send(self, candidate: dict[str, Any]) -> None:
        body = {"candidate": candidate, "webrtc_id": self.id, "type": "ice-candidate"}
        answer = await self._offer(body)
        if not isinstance(answer, dict) or answer.get("status") != "success":
            self.wrong.append(f"candidate: {answer}")

    async def _offer(self, body: dict[str, Any]) -> Any:
        return await self._request("POST", "/webrtc/offer", body)

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self.requests += 1
        for last in (False, True):
            try:
                response = await self._http.request(method, f"{self.url}{path}", json=body)
                return response.json() if response.is_success else f"status {response.status_code}"
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ConnectError) as error:
                if last or not RETRY:
                    self.wrong.append(f"{path}: {error!r}")
            except (httpx.HTTPError, ValueError) as error:
                self.wrong.append(f"{path}: {error!r}")
                break
        return None

    async def _read_outputs(self) -> None:
        address = f"{self.url}/outputs?webrtc_id={self.id}"
        while True:
            self.requests += 1
            try:
                async with self._http.stream("GET", address, timeout=None) as response:
                    async for line in response.aiter_lines():
                        if line.startswith("data: "):
                            self._outputs.put_nowait(json.loads(line[6:]))
            except httpx.HTTPError:
                pass
            self.reopened += 1  # as an EventSource does
            await asyncio.sleep(POLL_S)

    def _changed(self) -> None:
        if self.pc.connectionState == "connected":
            self._connected.set()

    async def _hear(self, packet: Any, arrival_time_ms: int) -> None:
        now = self._loop.time()
        self.longest_gap = max(self.longest_gap, now - self.last_heard)
        self.last_heard = now


READ_FIRST = os.environ.get("READ_FIRST", "1") == "1"
"""Whether clients read the outputs from before their offer, as a page may."""
ASK_CANDIDATES = os.environ.get("ASK_CANDIDATES", "1") == "1"
RETRY = os.environ.get("RETRY", "1") == "1"


class _Callers:
    """The clients of this process."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._callers: list[Caller] = []
        self._talks = asyncio.Event()
        self._supervising: list[asyncio.Task[None]] = []
        self._again: list[dict[str, float]] = []
        self._calling: asyncio.Task[None] | None = None
        self._calls: list[Caller] = []
        self._stalls = Stalls()
        self._stalls.watch()
        self._listens_since = 0.0

    async def wait_until_ready(self, url: str, within: float) -> str:
        """Wait until a server accepts connections."""
        deadline = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < deadline:
            with suppress(httpx.HTTPError):
                if (await self._http.get(f"{url}/readyz")).is_success:
                    return "ready"
            await asyncio.sleep(POLL_S)
        return "not ready"

    async def call(self, url: str, count: int = 1, check: bool = True) -> Any:
        new = [Caller(url, self._http, self._talks) for _ in range(count)]
        self._callers += new
        await a_few_at_a_time((caller.connect(check=check) for caller in new), AT_A_TIME)
        return _described(new)

    async def send_inputs(self, rounds: int = 1, at_a_time: int = AT_A_TIME) -> Any:
        for caller in self._callers:
            caller.wrong.clear()
            caller.read()

        async def send(caller: Caller) -> None:
            for number in range(rounds):
                await caller.send_input(f"{number} {uuid.uuid4().hex}")

        await a_few_at_a_time(map(send, self._callers), at_a_time)
        return _described(self._callers)

    async def talk(self) -> str:
        self._talks.set()
        self._listens_since = asyncio.get_running_loop().time()
        for index, caller in enumerate(self._callers):
            caller.listen()
            self._supervising.append(asyncio.create_task(self._supervise(index)))
        return "talking"

    async def _supervise(self, index: int) -> None:
        """Call again when a client hears nothing."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(POLL_S)
            old = self._callers[index]
            if old.silent_s < SILENCE_S:
                continue
            lost = old.last_heard
            for pause_s in itertools.repeat(POLL_S):
                if await self._call_again(index):
                    break
                await asyncio.sleep(pause_s)
            ended = {"index": index, "lost_at": lost, "silent_s": loop.time() - lost}
            self._again.append(ended)

    async def _call_again(self, index: int) -> bool:
        await self._callers[index].close()
        new = Caller(self._callers[index].url, self._http, self._talks)
        self._callers[index] = new
        await new.connect()
        if not new.connected_s:  # refused
            return False
        new.listen()
        while new.longest_gap == 0.0:
            if new.silent_s > SILENCE_S:
                return False
            await asyncio.sleep(POLL_S)
        new.listen()
        return True

    async def listen(self) -> str:
        self._listens_since = asyncio.get_running_loop().time()
        for caller in self._callers:
            caller.listen()
        return "listening"

    async def heard(self) -> Any:
        return {
            "gaps": [max(one.longest_gap, one.silent_s) for one in self._callers],
            "again": self._again,
            "stalled_s": self._stalls.longest(self._listens_since, math.inf),
            "wrong": [f"{one.id}: {wrong}" for one in self._callers for wrong in one.wrong],
        }

    def end(self) -> None:
        self._stalls.end()

    async def keep_calling(self, url: str, every_s: float, check: bool = True) -> str:
        self._calls = []
        self._calling = asyncio.create_task(self._keep_calling(url, every_s, check))
        return "calling"

    async def _keep_calling(self, url: str, every_s: float, check: bool) -> None:
        async def call(caller: Caller) -> None:
            await caller.connect(check=check)
            if check and not caller.wrong:
                await caller.send_input("once")
            await caller.close()

        calls = []
        try:
            while True:
                caller = Caller(url, self._http, self._talks)
                self._calls.append(caller)
                calls.append(asyncio.create_task(call(caller)))
                await asyncio.sleep(every_s)
        except asyncio.CancelledError:
            await asyncio.gather(*calls)

    async def stop_calling(self) -> Any:
        assert self._calling is not None
        self._calling.cancel()
        await self._calling
        return _described(self._calls)

    async def hang_up(self) -> str:
        for task in self._supervising:
            task.cancel()
        await asyncio.gather(*self._supervising, return_exceptions=True)
        callers, self._callers, self._supervising, self._again = self._callers, [], [], []
        self._talks.clear()
        await asyncio.gather(*(caller.close() for caller in callers))
        return "closed"


def _described(callers: list[Caller]) -> dict[str, Any]:
    return {
        "calls": len(callers),
        "ids": [caller.id for caller in callers],
        "right": sum(not caller.wrong for caller in callers),
        "reopened": sum(caller.reopened for caller in callers),
        "requests": sum(caller.requests for caller in callers),
        "owners": [caller.owner for caller in callers],
        "wrong": [f"{caller.id}: {wrong}" for caller in callers for wrong in caller.wrong],
        "answered_s": [caller.answered_s for caller in callers],
        "connected_s": [caller.connected_s for caller in callers],
        "latencies_s": [value for caller in callers for value in caller.latencies],
    }


async def _main() -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=2)
    async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as http:
        callers = _Callers(http)
        await answer_requests(callers)
        callers.end()


if __name__ == "__main__":
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"))
    asyncio.run(_main())
