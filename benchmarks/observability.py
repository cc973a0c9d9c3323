"""What observing a conversation costs: `python -m benchmarks.observability`, four minutes.

A server process holds conversations over WebRTC with recorded and synthetic speech, first with
everything off, then with everything on: `on_turn`, metrics, traces and recording. The two take
turns, so that a machine that slows down slows both. Prints the CPU time of the server for each
session. `--each` measures each of them alone, too, in ten minutes. For a quiet machine.
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
from collections.abc import Iterator
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


async def measure(what: str, packets: list[bytes], sessions: int, seconds: float) -> float:
    """Return the cores that a session takes."""
    with served(what) as (url, pid):
        async with Server(url, pid) as server:
            shift = len(packets) // sessions
            shifted = [packets[k * shift :] + packets[: k * shift] for k in range(sessions)]
            peers = [Peer(server, AudioTrack(each)) for each in shifted]
            for peer in peers:
                await peer.connect()
            await asyncio.sleep(WARM_UP_S)
            usage = await server.observe(seconds)
            heard = [sum(arrival.size > 20 for arrival in peer.arrivals) for peer in peers]
            if not all(heard):
                raise SystemExit(f"a session got no reply: {heard}")
            for peer in peers:
                await peer.close()
    return usage.cores / sessions


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", metavar="WHAT", help=argparse.SUPPRESS)
    parser.add_argument("--each", action="store_true", help="measure each of them alone, too")
    parser.add_argument("--only", nargs="+", choices=[OFF, *EACH, WAV, ALL], help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    decode_nothing()
    packets = encode_opus(with_pauses(turns(), 0.5, PAUSE_S).sound)
    what = given.only or [OFF, *((*EACH, WAV) if given.each else ()), ALL]
    cores: dict[str, list[float]] = {each: [] for each in what}
    watch = Watch()
    for _ in range(given.rounds):
        for each in what:
            one = asyncio.run(measure(each, packets, given.sessions, given.seconds))
            cores[each].append(one)
            print(f"{each}: {one:.4f} cores per session", flush=True)
    off = statistics.median(cores[OFF])
    for each in what[1:]:
        here = statistics.median(cores[each])
        print(f"{each}: {here:.4f} cores per session, {100 * (here / off - 1):+.1f}% of {off:.4f}")
    others = watch.others()
    print(f"other processes took {others:.2f} cores{'' if others < QUIET else ': disturbed'}")


if __name__ == "__main__":
    main()
