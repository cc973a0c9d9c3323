"""What observing a conversation costs: `python -m benchmarks.observability`, four minutes.

Two server processes hold the same conversations over WebRTC, with recorded and synthetic speech, at
the same time: one with everything off, one with everything on, which is `on_turn`, metrics, traces
and recording. A machine that slows down slows both. Prints the CPU time of a session of both, and
how much more it is. `--each` measures each of them alone, too, in 18 minutes. For a quiet machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.client.media import AudioTrack, encode_opus
from benchmarks.client.peer import Peer, decode_nothing
from benchmarks.client.server import Server
from benchmarks.client.voices import turns, with_pauses
from benchmarks.environments import REPOSITORY
from benchmarks.quiet import QUIET, Watch

RATE = 24_000
OFF, ALL = "off", "all"
EACH = ("turns", "metrics", "traces", "recording")
WAV = "recording to wav"
REPLY_S = 1.0
PAUSE_S = 2.5
"""After each utterance: the reply, and a pause before the next one."""

WARM_UP_S = 5.0


def reply(audio: Any) -> Iterator[Any]:
    """Answer with a tone, in pieces as a text-to-speech model gives them."""
    from fastrtc import Speech

    moment = np.arange(RATE // 10) / RATE
    piece = (8000 * np.sin(2 * np.pi * 440 * moment)).astype(np.int16)
    for _ in range(round(REPLY_S * 10)):
        yield Speech(RATE, piece, "word ")


def options_of(parts: set[str], folder: str) -> dict[str, Any]:
    """Return the options of the stream that are constructor arguments."""
    from fastrtc import Recorder

    options: dict[str, Any] = {}
    if "turns" in parts:
        options["on_turn"] = lambda turn: None
    for name, suffix in (("recording", "ogg"), (WAV, "wav")):
        if name in parts:
            options["record"] = Recorder(f"{folder}/{{id}}.{suffix}")
    return options


def serve(what: str) -> None:
    """Serve the stream on a free port, and print it."""
    import uvicorn
    from fastapi import FastAPI

    from fastrtc import ReplyOnPause, Stream, metrics

    parts = set(EACH) if what == ALL else {what} - {OFF}
    app = FastAPI()
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(
            ReplyOnPause(reply),
            modality="audio",
            mode="send-receive",
            concurrency_limit=100,
            server_rtc_configuration={"iceServers": []},
            verbose=False,
            **options_of(parts, folder),
        )
        stream.mount(app)
        if "metrics" in parts:
            app.mount("/metrics", metrics.prometheus(stream))
        if "traces" in parts:
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

            provider = TracerProvider()
            provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
            metrics.trace(stream, provider)
        config = uvicorn.Config(app, port=0, log_level="error", loop="asyncio")
        server = uvicorn.Server(config)

        @app.get("/port")
        def port() -> int:
            return int(server.servers[0].sockets[0].getsockname()[1])

        async def run() -> None:
            serving = asyncio.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110, uvicorn has no event for it
                await asyncio.sleep(0.01)
            print(port(), flush=True)
            await serving

        asyncio.run(run())


@contextlib.contextmanager
def served(what: str) -> Iterator[tuple[str, int]]:
    """Run a server process within the block; yield its address and its id."""
    command = [sys.executable, "-m", "benchmarks.observability", "--serve", what]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def measure(
    what: Sequence[str], packets: list[bytes], sessions: int, seconds: float
) -> list[float]:
    """Return the cores that a session takes of each of several servers, at the same time."""
    async with contextlib.AsyncExitStack() as stack:
        servers, peers = [], []
        for each in what:
            url, pid = stack.enter_context(served(each))
            servers.append(await stack.enter_async_context(Server(url, pid)))
        shift = len(packets) // sessions
        for k in range(sessions):
            shifted = packets[k * shift :] + packets[: k * shift]
            for server in servers:
                peers.append(Peer(server, AudioTrack(shifted)))
                await peers[-1].connect()
        await asyncio.sleep(WARM_UP_S)
        usages = await asyncio.gather(*(server.observe(seconds) for server in servers))
        heard = [sum(arrival.size > 20 for arrival in peer.arrivals) for peer in peers]
        if not all(heard):
            raise SystemExit(f"a session got no reply: {heard}")
        for peer in peers:
            await peer.close()
    return [usage.cores / sessions for usage in usages]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", metavar="WHAT", help=argparse.SUPPRESS)
    parser.add_argument("--each", action="store_true", help="measure each of them alone, too")
    parser.add_argument("--only", nargs="+", choices=[*EACH, WAV, ALL], help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    decode_nothing()
    packets = encode_opus(with_pauses(turns(), 0.5, PAUSE_S).sound)
    every = [*((*EACH, WAV) if given.each else ()), ALL]
    more: dict[str, list[float]] = {each: [] for each in given.only or every}
    watch = Watch()
    for _ in range(given.rounds):
        for each, found in more.items():
            off, on = asyncio.run(measure((OFF, each), packets, given.sessions, given.seconds))
            found.append(100 * (on / off - 1))
            print(
                f"{each}: {off:.4f} and {on:.4f} cores per session, {found[-1]:+.1f}%", flush=True
            )
    for each, found in more.items():
        print(f"{each}: {statistics.median(found):+.1f}%, the median of {given.rounds}")
    others = watch.others()
    print(f"other processes took {others:.2f} cores{'' if others < QUIET else ': disturbed'}")


if __name__ == "__main__":
    main()
