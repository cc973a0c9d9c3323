"""Sessions that cost their client next to nothing: a process of them, steered over its stdin.

Packets are encoded beforehand and what comes back is not decoded, not even decrypted: the RTP
header says in clear where a frame belongs, and a WebSocket message how long its sound is. What is
private to aiortc and aioice (seen in 1.16 and 0.13) is used here and in `peer.py` only.

    {"hold": 12}       connects or closes sessions until there are 12      -> {"refused": null}
    {"watch": 5.0}     counts frames for 5 s                               -> see `watch`
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import heapq
import itertools
import json
import os
import struct
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import psutil
from aiortc import MediaStreamTrack

from benchmarks.client.echoes import loud_script
from benchmarks.client.lateness import Lateness, Timetable
from benchmarks.client.media import AUDIO_RATE, FRAME, encode_opus, speech_like
from benchmarks.client.peer import AUDIBLE, Peer, Timings
from benchmarks.client.server import Server
from benchmarks.client.socket import SocketClient

PERIOD = 0.020
#: Sessions that connect at the same time.
ABREAST = 4
#: After so many packets in a row the loop gets to read, also when sending is behind.
BURST = 16
_RTP_HEADER, _SRTP_TAG = 12, 10


class Session(Protocol):
    """What the pacer and the watch need of a session."""

    lateness: Lateness
    timetable: Timetable

    @property
    def ended(self) -> bool:
        """Whether the server, or the network, ended it."""

    async def connect(self) -> object: ...

    def send(self) -> None:
        """Sends the next 20 ms."""

    async def close(self) -> None: ...


class _Silence(MediaStreamTrack):
    """A track that keeps aiortc's own sender waiting."""

    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.Event().wait()


class RtcSession(Peer):
    """Connects with aiortc; then encrypts and sends, and reads headers, by itself."""

    def __init__(self, server: Server, packets: list[bytes]) -> None:
        super().__init__(server, _Silence())
        self.lateness, self.timetable = Lateness(), Timetable()
        self._packets = itertools.cycle(packets)
        self._number = 0
        self._last: int | None = None
        self._place = 0

    async def connect(self) -> Timings:
        timings = await super().connect()
        transceiver: Any = self._pc.getTransceivers()[0]
        dtls = transceiver.sender.transport
        connection = dtls.transport._connection
        pair = connection._nominated[1]
        self._type = transceiver._codecs[0].payloadType
        self._ssrc = transceiver.sender._ssrc
        self._protect = dtls._tx_srtp.protect
        self._transport, self._address = pair.protocol.transport, pair.remote_addr
        self._sendto = self._transport.sendto
        self._forward = connection.data_received
        connection.data_received = self._received
        return timings

    @property
    def ended(self) -> bool:
        # When consent expires, aioice first closes its sockets and only then says so; asyncio's
        # `sendto` raises AttributeError on a socket that was closed meanwhile.
        return self._failed.is_set() or self._transport.is_closing()

    def send(self) -> None:
        number = self._number
        header = struct.pack(
            "!BBHII", 0x80, self._type, number & 0xFFFF, number * FRAME & 0xFFFFFFFF, self._ssrc
        )
        self._number += 1
        self._sendto(self._protect(header + next(self._packets)), self._address)

    def _received(self, data: bytes, component: int) -> None:
        # RFC 7983 and RFC 5761: 128-191 is RTP or RTCP, and the second byte tells which.
        if not 128 <= data[0] <= 191 or 192 <= data[1] <= 223:
            self._forward(data, component)
            return
        if len(data) <= _RTP_HEADER + _SRTP_TAG + AUDIBLE:
            return  # silence, sent because nothing was there
        timestamp = int.from_bytes(data[4:8], "big")
        if self._last is not None:
            self._place += (timestamp - self._last + (1 << 31)) % (1 << 32) - (1 << 31)
        self._last = timestamp
        late = self.timetable.late(time.monotonic(), self._place / AUDIO_RATE)
        self.lateness.note(late)


class SocketSession(asyncio.Protocol):
    """A WebSocket (RFC 6455) without compression, of mu-law at 24 kHz."""

    def __init__(self, server: Server, messages: list[bytes]) -> None:
        self.lateness, self.timetable = Lateness(), Timetable()
        self._address = urlsplit(server.url)
        self._messages = itertools.cycle(messages)
        self._buffer = bytearray()
        self._open = asyncio.get_running_loop().create_future()
        self._samples = 0

    async def connect(self) -> None:
        host, port = self._address.hostname, self._address.port
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, host, port)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {SocketClient.PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await asyncio.wait_for(self._open, 30)
        start = {"event": "start", "websocket_id": uuid.uuid4().hex}
        self._transport.write(frame(json.dumps(start).encode()))

    @property
    def ended(self) -> bool:
        return self._transport.is_closing()

    def send(self) -> None:
        self._transport.write(next(self._messages))

    async def close(self) -> None:
        self._transport.write(frame(b'{"event": "stop"}'))
        self._transport.write(frame(b"", opcode=8))
        await asyncio.sleep(0)
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open.done():
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self._open.set_exception(RuntimeError(f"refused: {head[:80]!r}"))
                return
            self._open.set_result(None)
            self._buffer = bytearray(rest)
        while (message := taken(self._buffer)) is not None:
            opcode, payload = message
            if opcode == 9:
                self._transport.write(frame(payload, opcode=10))
            elif opcode == 1 and (size := mulaw_samples(payload)):
                late = self.timetable.late(time.monotonic(), self._samples / SocketClient.RATE)
                self._samples += size
                self.lateness.note(late)


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """A client's frame; its mask is all zeros, which leaves the payload as it is."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def taken(buffer: bytearray) -> tuple[int, bytes] | None:
    """Takes the first whole frame of a server out of the buffer: its opcode and its payload."""
    if len(buffer) < 2:
        return None
    start, size = 2, buffer[1] & 127
    if size >= 126:
        start = 4 if size == 126 else 10
        size = int.from_bytes(buffer[2:start], "big")
    if len(buffer) < start + size:
        return None
    opcode, payload = buffer[0] & 15, bytes(buffer[start : start + size])
    del buffer[: start + size]
    return opcode, payload


def mulaw_samples(message: bytes) -> int:
    """How many samples a `media` message carries, found without decoding it; else 0."""
    if (key := message.find(b'"payload"')) < 0:
        return 0
    begin = message.index(b'"', key + len(b'"payload"')) + 1
    end = message.index(b'"', begin)
    return (end - begin) // 4 * 3 - message.count(b"=", end - 2, end)


def _report(pacing: asyncio.Task[None]) -> None:
    """Ends the process if nothing is sent any more: all frames would count as on time."""
    if not pacing.cancelled() and (error := pacing.exception()) is not None:
        traceback.print_exception(error)
        os._exit(1)


class Load:
    """The sessions of this process, and the task that sends for all of them."""

    def __init__(self, make: Callable[[], Session]) -> None:
        self._make = make
        self._sessions: list[Session] = []
        self._queue: list[tuple[float, int, Session]] = []
        self._waiting = asyncio.Event()
        self._order = itertools.count()
        self._process = psutil.Process()
        self._lag = Lateness()
        self._sent = 0
        self._pacing = asyncio.create_task(self._pace())
        self._pacing.add_done_callback(_report)

    async def _pace(self) -> None:
        """Sends each session's packets when they are due, and notes how late that is."""
        while True:
            if not self._queue:
                self._waiting.clear()
                await self._waiting.wait()
            due, order, session = heapq.heappop(self._queue)
            ahead = due - time.monotonic()
            if ahead > 0 or self._sent % BURST == 0:
                await asyncio.sleep(max(0.0, ahead))
            if session not in self._sessions:
                continue
            self._lag.note(time.monotonic() - due)
            # What an ended session does not send counts as sent, and so as missing.
            if not session.ended:
                session.send()
            self._sent += 1
            heapq.heappush(self._queue, (due + PERIOD, order, session))

    async def hold(self, count: int) -> dict[str, Any]:
        """Connects or closes sessions until there are so many, or the server refuses one.

        Those that ended by themselves are replaced.
        """
        refused: str | None = None
        ended = [session for session in self._sessions if session.ended]
        self._sessions = [session for session in self._sessions if not session.ended]
        while len(self._sessions) < count and refused is None:
            wanted = min(ABREAST, count - len(self._sessions))
            connecting = (self._connect() for _ in range(wanted))
            for outcome in await asyncio.gather(*connecting, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    refused = repr(outcome)
        left, self._sessions = self._sessions[count:], self._sessions[:count]
        await asyncio.gather(*(session.close() for session in left + ended))
        return {"refused": refused}

    async def _connect(self) -> None:
        session = self._make()
        await session.connect()
        self._sessions.append(session)
        order = next(self._order)
        # Spread over the period, as clients are that know nothing of each other.
        due = time.monotonic() + PERIOD * (order * 0.618 % 1)
        heapq.heappush(self._queue, (due, order, session))
        self._waiting.set()

    async def watch(self, seconds: float, *, restart: bool) -> dict[str, Any]:
        """What came in a while, what was sent, and how far this process itself was behind."""
        for session in self._sessions:
            session.lateness = Lateness()
            if restart:
                session.timetable.restart()
        self._lag, sent = Lateness(), self._sent
        used, began = sum(self._process.cpu_times()[:2]), time.monotonic()
        await asyncio.sleep(seconds)
        cores = (sum(self._process.cpu_times()[:2]) - used) / (time.monotonic() - began)
        late = Lateness()
        for session in self._sessions:
            late.add(session.lateness)
        return {
            "late": late.counts,
            "lag": self._lag.counts,
            "sent": self._sent - sent,
            "ended": sum(session.ended for session in self._sessions),
            "cores": cores,
        }

    async def close(self) -> None:
        """Closes all sessions and stops sending."""
        await self.hold(0)
        self._pacing.cancel()
        await asyncio.wait([self._pacing])


def maker(kind: str, server: Server) -> Callable[[], Session]:
    """What makes a session of a kind; all share what they send."""
    if kind == "webrtc":
        packets = encode_opus(speech_like())
        return lambda: RtcSession(server, packets)
    written = SocketClient(server).written(loud_script(4, SocketClient.RATE))
    messages = [frame(text.encode()) for text, _ in written]
    return lambda: SocketSession(server, messages)


async def obey(kind: str, url: str) -> None:
    """Does what the lines on stdin say, and answers each with a line, until there are no more."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with Server(url, pid=os.getpid()) as server:
        load = Load(maker(kind, server))
        while line := await reader.readline():
            command = json.loads(line)
            if "hold" in command:
                answer = await load.hold(command["hold"])
            else:
                answer = await load.watch(command["watch"], restart=command["restart"])
            print(json.dumps(answer), flush=True)
        await load.close()
    os._exit(0)  # aiortc's threads would keep the process alive where a peer did not close


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("webrtc", "websocket"))
    parser.add_argument("url")
    asyncio.run(obey(**vars(parser.parse_args())))
