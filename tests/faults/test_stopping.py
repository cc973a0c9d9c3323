"""A server that gets SIGTERM while people are connected."""

import asyncio
import json
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import connect

from fastrtc import Stream
from tests.faults.over_http import ROOT, HttpClient, running
from tests.faults.stopping_app import APPS
from tests.support.forks import Fork, forked
from tests.support.loops import loop_for_a_server
from tests.support.peers import LOCAL, AudioSource, eventually, tone
from tests.telephone.phone import Provider
from tests.webrtc.handlers import AsyncAudioEcho
from tests.websocket.served import Client as SocketClient
from tests.websocket.served import never_reading

EXIT_S = 40.0  # s; 10 of it for code that hangs, the rest for a busy machine
STOPS = "The server stops"


class Stopping:
    """The process, and what it printed."""

    def __init__(self, process: subprocess.Popen[str] | Fork, path: str = "") -> None:
        assert process.stdout is not None
        self.process = process
        port = process.stdout.readline().strip()
        assert port, process.stderr and process.stderr.read()
        self.http, self.ws = f"http://127.0.0.1:{port}{path}", f"ws://127.0.0.1:{port}{path}"

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def ended(self) -> str:
        """Wait until it has ended; give what it printed."""
        out, err = await asyncio.to_thread(self.process.communicate, timeout=EXIT_S)
        assert self.process.returncode in (0, -signal.SIGTERM)
        assert "Traceback" not in err
        return out


@asynccontextmanager
async def server(
    handler: str = "echo", drain_limit: float = 0, where: str = "mounted"
) -> AsyncIterator[Stopping]:
    path = "" if where == "mounted" else "/api"
    options = handler, str(drain_limit), where, loop_for_a_server()
    program = ("-m", "tests.faults.stopping_app", *options)
    # a fork ends without what Python does at its exit, which code that hangs could hold up
    own = running(*program) if handler != "echo" else forked(*program, cwd=ROOT)
    with own as process:
        yield await asyncio.to_thread(Stopping, process, path)


@asynccontextmanager
async def speaking(stopping: Stopping) -> AsyncIterator[HttpClient]:
    client = HttpClient(stopping.http, audio=AudioSource(tone(60)))
    await client.connect()
    await eventually(lambda: client.channel.readyState == "open")
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def socket_client(stopping: Stopping, id: str) -> AsyncIterator[SocketClient]:
    async with connect(f"{stopping.ws}/websocket/offer", proxy=None) as socket:
        client = SocketClient(socket)
        await client.start(id, encoding="pcm16")
        try:
            yield client
        finally:
            await socket.close()
            await client.closed()


async def test_all_who_are_connected_are_told_and_shut_down_once() -> None:
    async with (
        server() as stopping,
        speaking(stopping) as client,
        socket_client(stopping, "socket") as socket,
        connect(f"{stopping.ws}/telephone/handler", proxy=None) as phone,
    ):
        for message in Provider("MZ1").opening():
            await phone.send(json.dumps(message))
        await eventually(lambda: len(client.loud()) > 5)
        stopping.terminate()
        assert (await client.message("end_stream"))["data"] == STOPS
        await client.state("closed")
        assert await socket.closed() == 1001
        assert socket.messages[-2] == {
            "type": "end_stream",
            "data": STOPS,
            "code": "server",
        }
        assert socket.messages[-1] == {"type": "error", "message": STOPS, "data": STOPS}
        async for _ in phone:  # until the call is hung up
            pass
        assert phone.close_code == 1001
        assert (await stopping.ended()).split() == ["shutdown"] * 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "where", ["below", "below_with_lifespan", "while_it_starts", "routes_of_its_own"]
)
async def test_no_lifespan_is_needed_for_it(where: str, number: signal.Signals) -> None:
    async with (
        server(where=where) as stopping,
        speaking(stopping) as client,
        socket_client(stopping, "socket") as socket,
    ):
        stopping.terminate(number)
        assert (await client.message("end_stream"))["data"] == STOPS
        await client.state("closed")
        assert await socket.closed() == 1001
        assert (await stopping.ended()).split() == ["shutdown"] * 2


class Noting(AsyncAudioEcho):
    ended: ClassVar[list[str]] = []

    async def shutdown(self) -> None:
        self.ended.append("shutdown")


@asynccontextmanager
async def server_in_a_thread(app: FastAPI) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """A server that gets no signals; with what stops it."""
    config = uvicorn.Config(app, port=0, log_level="warning", loop=loop_for_a_server())
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()

    def stop() -> None:
        running.should_exit = True

    try:
        await eventually(lambda: running.started)
        port = running.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/api", stop
    finally:
        stop()
        await asyncio.to_thread(thread.join, EXIT_S)
        assert not thread.is_alive()


@pytest.mark.parametrize("where", list(APPS))
async def test_without_signals_handlers_are_shut_down_once_whatever_runs_the_app(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(Noting(), modality="audio", mode="send-receive", server_rtc_configuration=LOCAL)
    Noting.ended.clear()
    for count in (1, 2):  # a server that comes after it takes connections again
        app = APPS[where](stream)
        if where == "mounted":
            app, inner = FastAPI(lifespan=app.router.lifespan_context), app
            app.mount("/api", inner)
        async with server_in_a_thread(app) as (address, stop):
            client = HttpClient(address, audio=AudioSource(tone(60)))
            await client.connect()
            await eventually(lambda: client.channel.readyState == "open")  # noqa: B023
            stop()
            if where in ("mounted", "below"):  # else nobody says so before the loop ends
                assert (await client.message("end_stream"))["data"] == STOPS
        assert Noting.ended == ["shutdown"] * count
        await client.close()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_code_that_hangs_does_not_keep_the_process() -> None:
    async with (
        server("blocked") as stopping,
        speaking(stopping) as client,
        socket_client(stopping, "socket") as socket,
    ):
        await socket.send({"event": "media", "media": {"payload": "AAAA"}})
        began = time.monotonic()
        stopping.terminate()
        assert (await client.message("end_stream"))["data"] == STOPS
        assert await socket.closed() == 1001
        assert (await stopping.ended()).split() == ["shutdown"] * 2
        assert time.monotonic() - began < EXIT_S


async def test_a_client_that_never_reads_does_not_keep_the_process() -> None:
    async with server("flooding") as stopping, never_reading(stopping.ws):
        assert stopping.process.stdout is not None
        assert await asyncio.to_thread(stopping.process.stdout.readline) == "flooding\n"
        stopping.terminate()
        assert await stopping.ended() == "shutdown\n"


async def assert_no_place(stopping: Stopping) -> None:
    late = HttpClient(stopping.http, audio=AudioSource())
    assert await late.call() == {"status": "failed", "meta": {"error": "server_stopping"}}
    await late.close()
    async with socket_client_that_is_refused(stopping) as socket:
        await socket.wait_for(status="failed", meta={"error": "server_stopping"})
        assert await socket.closed() == 1001


@asynccontextmanager
async def socket_client_that_is_refused(stopping: Stopping) -> AsyncIterator[SocketClient]:
    async with connect(f"{stopping.ws}/websocket/offer", proxy=None) as socket:
        client = SocketClient(socket)
        await client.start("late")
        yield client


async def warned(client: Any) -> None:
    message = await client.message("warning")
    assert "about to stop" in message["data"] and message["data"] == message["message"]


@pytest.mark.parametrize("where", ["mounted", "below", "while_it_starts"])
async def test_those_who_speak_may_come_to_their_end(where: str) -> None:
    async with server(drain_limit=60, where=where) as stopping:
        async with speaking(stopping) as client, socket_client(stopping, "socket") as socket:
            stopping.terminate()
            await warned(client)
            await socket.wait_for(type="warning")
            before = len(client.loud())
            await assert_no_place(stopping)
            await eventually(lambda: len(client.loud()) > before + 10)  # it goes on
            assert not client.of_type("end_stream")
        began = time.monotonic()  # the last has left
        assert (await stopping.ended()).split() == ["shutdown"] * 2
        assert time.monotonic() - began < EXIT_S


async def test_they_have_so_long_and_no_longer() -> None:
    async with server(drain_limit=1) as stopping, speaking(stopping) as client:
        stopping.terminate()
        await warned(client)
        assert (await client.message("end_stream"))["data"] == STOPS
        assert (await stopping.ended()).split() == ["shutdown"]
