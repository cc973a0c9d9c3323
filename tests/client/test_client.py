"""The Python client with real servers, over both transports."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import numpy as np
import pytest
from fastapi import Body, FastAPI
from fastapi.responses import StreamingResponse

from fastrtc import (
    AdditionalOutputs,
    Client,
    ClientError,
    CloseStream,
    ReplyOnPause,
    Unauthorized,
)
from fastrtc.client import ReceivedAudio
from fastrtc.utils import create_message
from tests.support.models import StreamingEnergy
from tests.support.servers import serving
from tests.websocket.served import Echo, Served, serve, sine, wait_until

LOCAL = {"iceServers": []}
PATIENCE_S = 30.0
MAX_TURNS = 10  # on a busy machine, the records of some are off
TOLERANCE_S = 0.08  # less than each delay

pytestmark = pytest.mark.parametrize("transport", ["websocket", "webrtc"])


@contextlib.asynccontextmanager
async def served(handler: Any = None, **options: Any) -> AsyncIterator[Served]:
    async with serve(handler, server_rtc_configuration=LOCAL, **options) as there:
        yield there


async def hear(client: Client, seconds: float) -> list[ReceivedAudio]:
    """Return received audio from its first sound on."""
    chunks: list[ReceivedAudio] = []

    async def listen() -> None:
        async for chunk in client.audio():
            if chunks or np.abs(chunk.samples).max() > 1000:
                chunks.append(chunk)
            if sum(len(one.samples) / one.rate for one in chunks) >= seconds:
                return

    await asyncio.wait_for(listen(), PATIENCE_S)
    return chunks


async def message(client: Client, **fields: Any) -> dict[str, Any]:
    async def find() -> dict[str, Any]:
        async for one in client.messages():
            if fields.items() <= one.items():
                return one
        raise AssertionError(f"the connection ended: {client.error}")

    return await asyncio.wait_for(find(), PATIENCE_S)


async def closed(client: Client) -> ClientError | None:
    return await asyncio.wait_for(client.wait_closed(), PATIENCE_S)


async def test_audio_comes_back(transport: Any) -> None:
    async with served() as there, Client(there.address, transport, sample_rate=24000) as client:
        await client.send_audio((24000, sine(0.6)))
        await client.drain()
        chunks = await hear(client, 0.5)
        assert client.id in there.stream.handlers
    assert {chunk.rate for chunk in chunks} == {24000}
    times = [chunk.time_s for chunk in chunks]
    assert times == sorted(times) and times[-1] - times[0] < PATIENCE_S
    heard = np.concatenate([chunk.samples for chunk in chunks]).astype(float)
    assert heard.ndim == 1
    spectrum = np.abs(np.fft.rfft(heard))
    peak = np.fft.rfftfreq(len(heard), 1 / 24000)[spectrum.argmax()]
    assert abs(peak - 1000) < 10
    assert client.error is None


async def play(client: Client, seconds: float, since: float) -> float:
    """Play a reply in real time; return when it became audible, as Unix time.

    Audio from before `since`, such as the rest of the reply before it, is skipped.
    """
    began_at, played_s = 0.0, 0.0
    async for chunk in client.audio():
        loud = np.flatnonzero(np.abs(chunk.samples) > 1000)
        if loud.size and chunk.time_s >= since:
            began_at = began_at or time.time() + client.playout_delay_s + loud[0] / chunk.rate
            played_s += len(chunk.samples) / chunk.rate
            await asyncio.sleep(0.02)
        if played_s >= seconds:
            return began_at
    raise AssertionError(f"the connection ended: {client.error}")


def test_a_client_is_created_before_the_event_loop_runs(transport: Any) -> None:
    client = Client("http://127.0.0.1:9", transport)
    with pytest.raises(ClientError) as caught:  # no server uses the port "discard"
        asyncio.run(client.connect())
    assert caught.value.code == "server_unreachable"


async def test_the_server_knows_when_a_reply_is_heard(transport: Any) -> None:
    loop, turns, off_s = asyncio.get_running_loop(), [], []
    called = asyncio.Event()

    def reply(audio: Any) -> Any:
        loop.call_soon_threadsafe(called.set)
        yield 24000, sine(0.3)

    handler = ReplyOnPause(reply, model=StreamingEnergy())
    async with (
        served(handler, mode="send-receive", on_turn=turns.append) as there,
        Client(there.address, transport) as client,
    ):
        client.playout_delay_s = 0.15
        for count in range(1, MAX_TURNS + 1):
            called.clear()
            await client.send_audio((24000, sine(0.5)))
            await asyncio.wait_for(called.wait(), PATIENCE_S)
            since = loop.time()
            await asyncio.sleep(0.1)  # the program is busy while the reply arrives
            heard_at = await asyncio.wait_for(play(client, 0.2, since), PATIENCE_S)
            await wait_until(lambda count=count: len(turns) == count)
            off_s.append(float(turns[-1].connected_at + turns[-1].first_heard_s - heard_at))
            if abs(off_s[-1]) < TOLERANCE_S:
                break
    assert {turn.heard_by for turn in turns} == {"client"}
    print(f"{transport}: the records are off by {off_s} s")
    assert abs(off_s[-1]) < TOLERANCE_S


async def test_sending_waits_for_real_time_and_silence_follows(transport: Any) -> None:
    async with served() as there, Client(there.address, transport) as client:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await client.send_audio((16000, sine(1.0, 16000)))
        assert loop.time() - began > 0.7  # 0.2 s may be queued
        await client.drain()
        assert loop.time() - began > 0.9
        handler = await there.handler(client.id)
        await hear(client, 1.0)  # the rest is what follows
        assert handler.heard.qsize() < 50


async def test_audio_can_be_sent_as_it_is_pushed(transport: Any) -> None:
    async with served() as there, Client(there.address, transport, paced=False) as client:
        await client.send_audio((48000, sine(0.15, 48000)))
        chunks = await hear(client, 0.13)
    assert sum(len(chunk.samples) for chunk in chunks) <= 0.16 * 48000


async def test_refusals_have_a_code_and_details(transport: Any) -> None:
    async with served(concurrency_limit=1) as there, Client(there.address, transport, id="a"):
        with pytest.raises(ClientError, match="concurrency_limit_reached") as caught:
            await Client(there.address, transport).connect()
    assert caught.value.code == "concurrency_limit_reached"
    assert caught.value.meta == {"error": "concurrency_limit_reached", "limit": 1}
    assert caught.value.advice


async def test_an_id_in_use_is_refused(transport: Any) -> None:
    async with served() as there, Client(there.address, transport, id="a"):
        with pytest.raises(ClientError) as caught:
            await Client(there.address, transport, id="a").connect()
    assert caught.value.code == "connection_already_exists"


async def test_headers_reach_authorize(transport: Any) -> None:
    def authorize(connection: Any) -> None:
        if connection.headers.get("authorization") != "Bearer me":
            raise Unauthorized("log in")

    async with served(authorize=authorize) as there:
        with pytest.raises(ClientError, match="log in") as caught:
            await Client(there.address, transport).connect()
        assert caught.value.code == "unauthorized"
        async with Client(there.address, transport, headers={"Authorization": "Bearer me"}):
            pass


async def test_no_proxy_is_used_for_this_machine(
    transport: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    async with served() as there, Client(there.address, transport):
        pass


async def test_addresses_without_a_stream(transport: Any) -> None:
    with serving(FastAPI()) as url:
        with pytest.raises(ClientError) as caught:
            await Client(url, transport).connect()
    assert caught.value.code in ("not_found", "forbidden")  # uvicorn refuses a WebSocket with 403
    with pytest.raises(ClientError) as caught:
        await Client(url, transport).connect()  # it has stopped
    assert caught.value.code == "server_unreachable"


class Ending(Echo):
    """Ends with its first frame."""

    async def emit(self) -> Any:
        frame = await self.heard.get()
        return frame, CloseStream("good-bye")


async def test_why_the_server_ended_the_stream(transport: Any) -> None:
    async with served(Ending()) as there, Client(there.address, transport) as client:
        error = await closed(client)
        assert error is not None and error is client.error
        assert (error.code, error.meta) == ("ended_by_server", {"reason": "good-bye"})
        with pytest.raises(ClientError, match="good-bye"):
            await client.send_audio((48000, sine(0.1)))
        assert [one["type"] async for one in client.messages()][-1] == "end_stream"
        async for chunk in client.audio():  # which ends
            assert len(chunk.samples)
    async with served(time_limit=0.5) as there, Client(there.address, transport) as client:
        error = await closed(client)
        assert error is not None and error.code == "time_limit_reached"


class Talkative(Echo):
    async def start_up(self) -> None:
        await self.send_message(create_message("mine", {"a": [1]}))
        await self.send_message("not JSON")


async def test_messages(transport: Any) -> None:
    async with served(Talkative()) as there, Client(there.address, transport) as client:
        assert await message(client, type="mine") == {"type": "mine", "data": {"a": [1]}}
        assert await message(client, type="text") == {"type": "text", "data": "not JSON"}
        client.send({"type": "hello"})
        if transport == "webrtc":
            text = (await message(client, type="log"))["data"]
            assert text == 'Server received: {"type": "hello"}'


class Asking(Echo):
    """Asks for its inputs again and again, and returns them as outputs."""

    async def emit(self) -> Any:
        await self.wait_for_args()
        self.args_set.clear()
        return AdditionalOutputs(self.latest_args[1])


async def test_a_closed_client_sends_nothing(transport: Any) -> None:
    async with served() as there:
        async with Client(there.address, transport) as client:
            pass
        assert await closed(client) is None
        with pytest.raises(ClientError, match="not connected"):
            await client.send_audio((48000, sine(0.1)))
        with pytest.raises(RuntimeError, match="once"):
            await client.connect()
        await client.close()


async def test_inputs_and_outputs_of_routes(transport: Any) -> None:
    app = FastAPI()
    async with served(Asking(), app=app) as there:

        @app.post("/inputs")
        async def set_inputs(
            webrtc_id: Annotated[str, Body()], word: Annotated[str, Body()]
        ) -> None:
            there.stream.set_input(webrtc_id, word)

        @app.get("/outputs")
        async def outputs(webrtc_id: str) -> StreamingResponse:
            async def events() -> AsyncIterator[str]:
                async for output in there.stream.output_stream(webrtc_id):
                    yield f"event: output\ndata: {output.args[0]}\n\n"

            return StreamingResponse(events(), media_type="text/event-stream")

        async with Client(there.address, transport) as client:
            await client.set_inputs("/inputs", {"word": "yes"})  # and again at each `send_input`
            outputs_of = client.outputs("/outputs")
            for _ in range(3):
                assert await asyncio.wait_for(anext(outputs_of), PATIENCE_S) == "yes"
            with pytest.raises(ClientError, match="422") as caught:
                await client.set_inputs("/inputs", {})
            assert caught.value.code == "bad_inputs"
            with pytest.raises(ClientError, match="404"):
                await anext(client.outputs("/no"))


async def test_a_server_that_does_not_answer(transport: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClientError, match="within 0.3 s") as caught:
            await Client(url, transport, timeout_s=0.3).connect()
    assert caught.value.code == "server_timeout"


async def test_receiving_only(transport: Any) -> None:
    def play() -> Any:
        yield 24000, sine(0.5)[None]

    async with (
        served(play, mode="receive") as there,
        Client(there.address, transport, mode="receive") as client,
    ):
        assert await hear(client, 0.4)
        with pytest.raises(ValueError, match="no audio"):
            await client.send_audio((48000, sine(0.1)))
        error = await closed(client)
        assert error is not None and error.meta == {"reason": "Stream ended"}


async def test_a_server_that_goes_away(transport: Any) -> None:
    async with served() as there:
        client = Client(there.address, transport)
        await client.connect()
        await there.stream.close_sessions("maintenance")
        error = await closed(client)
        assert error is not None and error.meta == {"reason": "maintenance"}
        await client.close()


async def test_invalid_arguments(transport: Any) -> None:
    for options in ({"modality": "sound"}, {"mode": "both"}, {"sample_rate": 8001}):
        with pytest.raises(ValueError, match=next(iter(options))):
            Client("http://x", transport, **options)
    with pytest.raises(ValueError, match="URL"):
        Client("ftp://x", transport)
