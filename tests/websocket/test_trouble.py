"""What goes wrong over a WebSocket: who may come, what is no message, who does not keep time."""

import asyncio
import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from fastrtc import Limits
from fastrtc.transport import stalled_client
from tests.websocket.served import Client, Echo, Served, never_reading, serve, sine, wait_until

FRAME = 0.02
PCM = {"encoding": "pcm16"}


async def assert_it_serves(served: Served, id: str = "another") -> None:
    async with served.client() as client:
        await client.start(id, **PCM)
        await client.say(sine(FRAME))
        await client.hear(FRAME)


async def test_a_full_stream_refuses_and_an_end_makes_room() -> None:
    async with serve(concurrency_limit=1) as served:
        async with served.client() as first, served.client() as second:
            await first.start(**PCM)
            await second.start("b")
            meta = {"error": "concurrency_limit_reached", "limit": 1}
            await second.wait_for(status="failed", meta=meta)
            assert await second.closed() == 1013
            assert list(served.stream.connections) == ["a"]
        await served.is_empty()
        await assert_it_serves(served, "b")


async def test_an_id_in_use_is_refused_and_its_owner_stays() -> None:
    async with serve() as served, served.client() as first, served.client() as second:
        await first.start(**PCM)
        await second.start()
        await second.wait_for(status="failed", meta={"error": "connection_already_exists"})
        assert await second.closed() == 1008
        await first.say(sine(FRAME))
        await first.hear(FRAME)


async def test_the_time_limit_ends_it_and_says_so() -> None:
    async with serve(time_limit=0.2) as served, served.client() as client:
        await client.start()
        assert await client.closed() == 1000
        assert client.messages == [{"type": "end_stream", "data": "Time limit reached"}]


async def test_whoever_says_nothing_is_not_kept() -> None:
    limits = Limits(start_within_s=0.1)
    async with serve(concurrency_limit=1, limits=limits) as served, served.client() as client:
        assert await client.closed() == 1008
        served.stream.limits = Limits()  # on a stalled machine, others take longer, too
        await assert_it_serves(served)


async def test_video_does_not_go_over_a_websocket() -> None:
    async with serve(lambda frame: frame, modality="video") as served, served.client() as client:
        await client.start()
        await client.wait_for(type="error")
        assert await client.closed() == 1003


@pytest.mark.parametrize("how", ["vanish", "close", "stop", "before start"])
async def test_however_a_client_goes_its_handler_is_shut_down_once(how: str) -> None:
    echo = Echo()
    async with serve(echo) as served:
        async with served.client() as client:
            if how != "before start":
                await client.start(**PCM)
                await client.say(sine(FRAME))
            if how == "vanish":
                client.socket.transport.abort()
            elif how == "stop":
                await client.send({"event": "stop"})
        await served.is_empty()
        if how != "before start":
            await wait_until(lambda: [one.shutdowns for one in echo.copies] == [1])
    assert [one.shutdowns for one in echo.copies] == ([] if how == "before start" else [1])


async def test_a_client_that_goes_while_its_handler_is_copied_leaves_nothing() -> None:
    async with serve(Echo()) as served:
        for number in range(10):
            async with served.client() as client:
                await client.send({"event": "start"})  # the error finds it gone
                await client.send({"event": "start", "websocket_id": f"{number}"})
        await served.is_empty()


async def test_the_program_may_end_it_and_the_server_may_stop() -> None:
    async with serve() as served:
        async with served.client() as client:
            await client.start(**PCM)
            (removed,) = served.stream.clean_up("a")
            assert removed.event_handler is removed.stream_handler
            assert await client.closed() == 1000
        await served.is_empty()
        async with served.client() as client:
            await client.start("b")
            await served.handler("b")
            await served.stream.close_sessions("Good night")
            assert await client.closed() == 1001
            end, error = client.messages
            assert end == {"type": "end_stream", "data": "Good night"}
            assert error["type"] == "error" and error["data"] == "Good night"


async def test_what_is_no_message_is_answered_and_the_session_lives() -> None:
    async with serve() as served, served.client() as client:
        before = {"event": "media", "media": {"payload": ""}}
        for message in ("no JSON", before, {"no": "event"}):
            await client.send(message)
        await client.start(**PCM)
        bad = ["[]", {"event": "jump"}, {"event": "start", "websocket_id": "b"}]
        bad += [{"event": "media", "media": {"payload": text}} for text in ("a*b", "YWJj")]
        bad += [b"abc"]
        for message in bad:
            await client.send(message)
        await client.send({"event": "ping"})
        await client.wait_for(event="pong")
        errors = [message for message in client.messages if message.get("type") == "error"]
        assert len(errors) == 3 + len(bad)
        assert all(error["message"] == error["data"] for error in errors)
        await client.say(sine(FRAME))
        await client.hear(FRAME)


@pytest.mark.parametrize("kind", [str, bytes])
async def test_a_message_of_over_a_mebibyte_ends_it(kind: type) -> None:
    async with serve() as served, served.client() as client:
        await client.start(**PCM)
        await client.send(("x" if kind is str else b"x") * ((1 << 20) + 1))
        await client.wait_for(type="error")
        assert await client.closed() == 1009
        await served.is_empty()
        await assert_it_serves(served)


async def test_text_that_is_no_text_ends_it_by_the_server() -> None:
    async with serve() as served, served.client() as client:
        await client.start(**PCM)
        await client.socket.send(b"\xff\xfe\xfd", text=True)
        assert await client.closed() == 1007
        await served.is_empty()
        await assert_it_serves(served)


@pytest.mark.filterwarnings("ignore:.*websockets.legacy:DeprecationWarning")
async def test_audio_far_ahead_of_its_time_is_dropped_and_this_is_said_once() -> None:
    class Deaf(Echo):
        async def receive(self, frame: Any) -> None:
            await asyncio.Event().wait()

    async with serve(Deaf()) as served, served.client() as client:
        await client.start(**PCM)
        second = np.zeros(24000, np.int16)
        tracemalloc.start()
        for _ in range(100):
            await client.say(second)
        await client.send({"event": "ping"})
        await client.wait_for(event="pong")
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size < 10 << 20
        told = [message["data"] for message in client.messages if message.get("type") == "error"]
        assert len(told) == 1 and "30 s" in told[0]


async def test_a_client_that_reads_gets_whatever_is_said_at_once() -> None:
    class Chatty(Echo):
        async def receive(self, frame: Any) -> None:
            for size in [3 << 20, *[50_000] * 50, 1]:
                await self.send_message(json.dumps({"type": "mine", "data": "x" * size}))

    async with serve(Chatty()) as served, served.client(max_size=None) as client:
        await client.start(**PCM)
        await client.say(sine(FRAME))
        await client.wait_for(type="mine", data="x")
        assert len([one for one in client.messages if one.get("type") == "mine"]) == 52


@pytest.mark.parametrize(("most", "patience_s"), [(2 << 20, 1000), (1 << 40, 0.01)])
async def test_a_client_that_never_reads_is_given_up(
    most: int,
    patience_s: float,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(stalled_client, "MAX_EVER", most)
    monkeypatch.setattr(stalled_client, "PATIENCE_S", patience_s)

    class Chatty(Echo):
        async def receive(self, frame: Any) -> None:
            while True:
                await self.send_message(json.dumps({"type": "mine", "data": "x" * 50_000}))
                await asyncio.sleep(0.001)

    async with serve(Chatty()) as served, never_reading(served.address):
        await wait_until(lambda: "does not read" in caplog.text)
        await served.is_empty()
        await wait_until(lambda: not served.server.server_state.connections)
        async with served.client() as client:
            await client.send({"event": "ping"})
            await client.wait_for(event="pong")


async def test_a_handler_that_cannot_be_copied_costs_its_own_connection(errors: Any) -> None:
    class Broken(Echo):
        def copy(self) -> Any:
            raise RuntimeError("no copies left")

    async with serve(Broken(), concurrency_limit=1) as served:
        for id in ("a", "b"):
            async with served.client() as client:
                await client.start(id)
                await client.wait_for(type="error", data="no copies left")
                assert await client.closed() == 1011
    assert len(errors()) == 2


async def test_many_come_and_go_and_nothing_is_left() -> None:
    echo = Echo()
    async with serve(echo) as served:
        await assert_it_serves(served)
        await served.is_empty()
        tasks = len(asyncio.all_tasks())

        async def come_and_go(number: int) -> None:
            async with served.client() as client:
                await client.start(str(number), **PCM)
                await client.say(sine(FRAME))
                await client.hear(FRAME)

        for begin in range(0, 100, 20):
            await asyncio.gather(*(come_and_go(begin + one) for one in range(20)))
        await served.is_empty()
        await wait_until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert [one.shutdowns for one in echo.copies] == [1] * 101


async def test_errors_on_both_ends_at_once_are_nobodys_fault() -> None:
    async with serve() as served:
        clients = []
        for number in range(20):
            async with served.client() as client:
                clients.append(client)
                await client.start(str(number), **PCM)
                for _ in range(5):
                    await client.say(sine(FRAME))
                ending = asyncio.create_task(_stop(client))
                client.socket.transport.abort()
                await ending
        await served.is_empty()
        await assert_it_serves(served)


async def _stop(client: Client) -> None:
    try:
        await client.send({"event": "stop"})
    except ConnectionClosed:
        pass
