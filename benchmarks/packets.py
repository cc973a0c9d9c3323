"""What one packet in and one packet out cost: `python -m benchmarks.packets` (see README.md).

One process holds talking echo sessions whose clients are not there: their packets were encrypted
beforehand, and what comes back is read by nobody. The clock of the event loop is virtual and jumps
to the next timer, so the process never sleeps, and one run does the same work as another: its
instructions can be counted (`valgrind --tool=callgrind`), its calls, and its CPU time, which is
what the default output is.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import gc
import itertools
import os
import pstats
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from pylibsrtp import Policy, Session

sys.path.insert(0, str(Path(__file__).parent / "servers"))

from fastrtc_server import HANDLERS  # noqa: E402  (a script, in a folder without a package)

from benchmarks.client.media import FRAME, encode_opus, speech_like  # noqa: E402
from fastrtc import Stream  # noqa: E402
from fastrtc.transport.webrtc._aiortc import consent  # noqa: E402

PERIOD = 0.02
HANDLER_RATE = 24_000
#: Virtual seconds before the measurement, and of it.
WARM_UP, WINDOW = 1.0, 9.0


class _Selector(selectors.DefaultSelector):
    """Returns at once while time is virtual, and moves it on."""

    def __init__(self) -> None:
        super().__init__()
        self.now: float | None = None

    def select(self, timeout: float | None = None) -> list[Any]:
        if self.now is None or timeout is None or timeout <= 0:
            return super().select(timeout)
        if not (events := super().select(0)):
            self.now += timeout + 1e-6  # never early because of rounding
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.virtual = _Selector()
        super().__init__(self.virtual)

    def time(self) -> float:
        return super().time() if self.virtual.now is None else self.virtual.now


class _Silence(MediaStreamTrack):
    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.Event().wait()


class Client:
    """A connected client: only its packets and its socket are left."""

    def __init__(self, packets: list[bytes]) -> None:
        self._packets = packets
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.createDataChannel("text")
        self.pc.addTrack(_Silence())
        self._connected = asyncio.Event()
        self.pc.on("connectionstatechange", self._changed)

    def _changed(self) -> None:
        if self.pc.connectionState == "connected":
            self._connected.set()

    async def connect(self, stream: Stream) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        local = self.pc.localDescription
        body = {"sdp": local.sdp, "type": local.type, "webrtc_id": uuid.uuid4().hex}
        answer: Any = await stream.handle_offer(body, set_outputs=lambda outputs: None)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await asyncio.wait_for(self._connected.wait(), 60)

    def leave(self) -> None:
        """Read nothing any more, and encrypt what will be sent."""
        transceiver: Any = self.pc.getTransceivers()[0]
        dtls = transceiver.sender.transport
        pair = dtls.transport._connection._nominated[1]
        socket = pair.protocol.transport.get_extra_info("socket")
        self._loop: Any = asyncio.get_running_loop()
        self._loop._remove_reader(socket.fileno())
        self._socket, self._address = socket, pair.remote_addr
        payload_type, ssrc = transceiver._codecs[0].payloadType, transceiver.sender._ssrc
        count = round((WARM_UP + WINDOW) / PERIOD) + 50
        self.encrypted = [
            dtls._tx_srtp.protect(
                struct.pack("!BBHII", 0x80, payload_type, k, k * FRAME, ssrc)
                + self._packets[k % len(self._packets)]
            )
            for k in range(count)
        ]
        self.sent = 0

    def send(self) -> None:
        self._socket._sock.sendto(self.encrypted[self.sent], self._address)
        self.sent += 1


class Talks(Protocol):
    """A client that sends what is due, each time it is asked."""

    def send(self) -> None: ...


async def talk(clients: Sequence[Talks], seconds: float) -> None:
    """Each client sends every 20 ms, spread over the period."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for frame in range(round(seconds / PERIOD)):
        for index, client in enumerate(clients):
            due = begin + PERIOD * (frame + index / len(clients))
            if (ahead := due - loop.time()) > 0:
                await asyncio.sleep(ahead)
            client.send()


async def run(
    handler: str, sessions: int, measured: Callable[[], contextlib.AbstractContextManager[None]]
) -> tuple[float, int]:
    """CPU seconds, and packets sent by the server, in the measured part."""
    stream = Stream(
        HANDLERS[handler](),
        modality="audio",
        mode="send-receive",
        concurrency_limit=1_000_000,
        server_rtc_configuration={"iceServers": []},
        verbose=False,
    )
    packets = encode_opus(speech_like())
    clients = [Client(packets) for _ in range(sessions)]
    for client in clients:
        await client.connect(stream)
    await asyncio.sleep(0.5)
    for client in clients:
        client.leave()
    loop: Any = asyncio.get_running_loop()
    loop.virtual.now = loop.time()
    await talk(clients, WARM_UP)
    gc.collect()
    gc.disable()
    before = _sent(stream)
    with measured():
        began = time.process_time()
        await talk(clients, WINDOW)
        used = time.process_time() - began
    return used, _sent(stream) - before


def _sent(stream: Stream) -> int:
    senders: list[Any] = [pc.getSenders()[0] for pc in stream.pcs.values()]
    return sum(sender._RTCRtpSender__packet_count for sender in senders)


def per_call(function: Callable[[], object], times: int = 2000) -> float:
    """Microseconds of a call, of the best of five rounds."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            function()
        rounds.append(time.process_time() - began)
    return min(rounds) / times * 1e6


PARTS = {
    "system calls": ("_SelectorDatagramTransport._read_ready", "_SelectorDatagramTransport.sendto"),
    "Opus, decoding": ("LibopusDecoder._samples",),
    "Opus, encoding": ("LibopusEncoder.encode",),
    "SRTP": ("pylibsrtp",),
    "demultiplexing and limits": (
        "direct_packets.py",
        "address.py",
        "packet_budget.py",
        "ice_targets.py",
        "limits.py",
        "rtp_receiver.py",
        "rtp_streams.py",
        "guard.py",
    ),
    "RTP, RTCP and their statistics": ("aiortc/", "aioice/", "audio_sender.py", "clock.py"),
    "jitter buffer": ("audio_receiver.py", "jitter_buffer.py", "audio_packets.py", "concealment"),
    "blocks for receive": ("inbound.py", "silence.py"),
    "calls of the handler": (
        "invoke.py",
        "failures.py",
        "tasks.py:end_if",
        "end_if_cancelled",
        "_weakrefset",
        "session.py",
        "media.py",
        "fastrtc_server.py",
        "fastrtc/utils.py",
        "asyncio/queues.py",
    ),
    "pacing": (
        "loop_clock.py",
        "timed_event.py",
        "playout.py",
        "playout_queue.py",
        "fader.py",
        "outbound.py",
        "emit.py",
        "emit_calls.py",
        "outputs.py",
        "audio_output.py",
        "audio_tracks.py",
        "media_track.py",
        "opus.py",
        "converter.py",
        "convert.py",
        "fifo.py",
        "rates.py",
    ),
    "event loop": ("asyncio/", "selectors.py", "contextvars"),
}
"""Parts of the table, by what occurs in the innermost function that belongs to one."""

HARNESS = ("talk (benchmarks/", "sampling (benchmarks/", "_Selector.select")


def part_of(stack: str, parts: Mapping[str, tuple[str, ...]] = PARTS) -> str | None:
    """The part of a stack that py-spy has sampled, outermost frame first; None for the harness."""
    frames = stack.split(";")
    if not any("_run_once" in frame for frame in frames):
        return None
    if any(name in frame for frame in frames for name in HARNESS):
        return None
    for frame in reversed(frames):
        for part, names in parts.items():
            if any(name in frame for name in names):
                return part
    return "other"


def shares(path: Path, parts: Mapping[str, tuple[str, ...]] = PARTS) -> dict[str, float]:
    """The share of each part, in a file of ``py-spy record -f raw``; the largest first."""
    counts: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        if (part := part_of(stack, parts)) is not None:
            counts[part] += int(count)
    return {part: count / counts.total() for part, count in counts.most_common()}


def floor() -> dict[str, float]:
    """Microseconds of what an echo at 24 kHz cannot do without, each alone and in the cache."""
    from fastrtc.transport.webrtc.opus import OpusEncoder, make_decoder

    samples = speech_like()
    packets = itertools.cycle(encode_opus(samples))
    size = HANDLER_RATE // 50
    frames = itertools.cycle(np.split(samples[::2][: 100 * size], 100))
    decoder, encoder = make_decoder(1, HANDLER_RATE), OpusEncoder(1, HANDLER_RATE)
    key = bytes(range(30))
    sending = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
    receiving = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND))
    rtp = (struct.pack("!BBHII", 0x80, 96, k, k * FRAME, 1) + bytes(240) for k in range(1 << 15))
    encrypted = iter([sending.protect(packet) for packet in itertools.islice(rtp, 12_000)])
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    address = sockets[1].getsockname()

    def send_and_receive() -> None:
        sockets[0].sendto(bytes(250), address)
        sockets[1].recvfrom(2048)

    return {
        "Opus, encoding": per_call(lambda: encoder.payload(next(frames)[np.newaxis])),
        "Opus, decoding": per_call(lambda: decoder.decode(next(packets))),
        "SRTP": per_call(lambda: sending.protect(next(rtp)))
        + per_call(lambda: receiving.unprotect(next(encrypted))),
        "system calls": per_call(send_and_receive),
    }


class Calls:
    """Counts calls of Python functions, and of C functions, by name."""

    def __init__(self) -> None:
        self.python: Counter[str] = Counter()
        self.c = 0

    def __call__(self, frame: Any, event: str, argument: object) -> None:
        if event == "call":
            code = frame.f_code
            self.python[f"{Path(code.co_filename).name}:{code.co_name}"] += 1
        elif event == "c_call":
            self.c += 1


@contextlib.contextmanager
def sampling(py_spy: str, path: Path) -> Iterator[None]:
    """Let py-spy write the stacks of this process into a file."""
    command = [py_spy, "record", "-r", "500", "-f", "raw", "-o", str(path)]
    process = subprocess.Popen(
        [*command, "-p", str(os.getpid()), "-d", "600"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(2)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def control(*arguments: str) -> None:
    """Control the callgrind that this process runs in."""
    subprocess.run(["callgrind_control", *arguments, str(os.getpid())], check=True)


class Profiling:
    """What else is measured beside the CPU time, as the options say.

    Attributes:
        stacks: The file that py-spy writes.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._calls, self._profile = Calls(), cProfile.Profile()
        self.stacks = Path(tempfile.mkdtemp(), "stacks")

    @staticmethod
    def add_options(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--calls", action="store_true", help="count calls instead")
        parser.add_argument("--profile", action="store_true", help="run cProfile instead")
        parser.add_argument(
            "--callgrind",
            action="store_true",
            help="count instructions: run it with valgrind --tool=callgrind --instr-atstart=no",
        )
        parser.add_argument("--sample", metavar="PY-SPY", help="profile with this py-spy instead")

    @contextlib.contextmanager
    def measured(self, *, sample: bool = True) -> Iterator[None]:
        """Measure the block; `sample` is whether py-spy may run, which slows it down."""
        options = self._options
        if options.calls:
            sys.setprofile(self._calls)
        if options.profile:
            self._profile.enable()
        if options.callgrind:
            control("-i", "on")
        py_spy = options.sample if sample else None
        with sampling(py_spy, self.stacks) if py_spy else contextlib.nullcontext():
            yield
        if options.callgrind:
            control("-i", "off")
        self._profile.disable()
        sys.setprofile(None)

    def print_calls(self, count: int, what: str) -> None:
        """Print the calls of each packet or message, if they were counted."""
        if not self._options.calls:
            return
        calls = self._calls
        total = sum(calls.python.values())
        print(f"{total / count:.1f} Python calls and {calls.c / count:.1f} C calls per {what}")
        for name, times in calls.python.most_common(70):
            print(f"{times / count:8.2f}  {name}")

    def finish(self) -> None:
        """Print the profile, if there is one, and end the process; callgrind ends by itself."""
        if self._options.profile:
            pstats.Stats(self._profile).sort_stats("tottime").print_stats(45)
        sys.stdout.flush()
        if not self._options.callgrind:
            os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("handler", nargs="?", default="echo-async", choices=sorted(HANDLERS))
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--window", type=float, default=WINDOW, help="virtual seconds")
    parser.add_argument("--repeat", type=int, default=1)
    Profiling.add_options(parser)
    options = parser.parse_args()
    consent.CONSENT_EXPIRES_S = 3600.0  # the clients answer no checks
    globals()["WINDOW"] = options.window
    profiling = Profiling(options)
    results = []
    repeat = 2 if options.sample else options.repeat  # first without py-spy, which slows it down
    for turn in range(repeat):
        measured = partial(profiling.measured, sample=turn == 1)
        loop = VirtualLoop()
        asyncio.set_event_loop(loop)
        used, sent = loop.run_until_complete(run(options.handler, options.sessions, measured))
        packets = round(options.window / PERIOD) * options.sessions
        results.append(used / packets * 1e6)
        print(f"{results[-1]:.1f} us per packet; {sent} of {packets} were answered", flush=True)
    profiling.print_calls(packets, "packet")
    if options.sample:
        alone = floor()
        for part, share in shares(profiling.stacks).items():
            least = f"{alone[part]:7.1f} us alone" if part in alone else ""
            print(f"{share * results[0]:7.1f} us  {100 * share:5.1f}%  {part:32} {least}")
    profiling.finish()


if __name__ == "__main__":
    main()
