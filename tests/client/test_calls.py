"""Calls both ways, metadata and tokens of the Python client, over both transports."""

import asyncio
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from fastapi import FastAPI

from fastrtc import AsyncStreamHandler, Client, ClientError, Stream, get_current_context
from tests.support.peers import LOCAL, eventually
from tests.support.servers import serving

SECRET = "a secret of the tests"
TRANSPORTS: list[Literal["webrtc", "websocket"]] = ["webrtc", "websocket"]


class Asking(AsyncStreamHandler):
    """Calls its client when it gets a message, and reports the result."""

    def copy(self) -> "Asking":
        return Asking()

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None:
        await asyncio.Event().wait()

    async def on_message(self, message: dict[str, Any]) -> None:
        context = get_current_context()
        try:
            result = await context.call(message["name"], message["data"], timeout_s=5)
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
        context.send({"type": "answer", "data": result})


class Served:
    def __init__(self) -> None:
        self.stream = Stream(
            Asking(), modality="audio", server_rtc_configuration=LOCAL, concurrency_limit=9
        )
        self.tokens = self.stream.tokens(SECRET)
        self.url = ""

        @self.stream.method
        async def who(data: Any) -> Any:
            context = get_current_context()
            return [context.user, dict(context.metadata), data]

        @self.stream.method
        def fail(data: Any) -> Any:
            raise LookupError("no such order")

    def client(self, transport: Literal["webrtc", "websocket"], **options: Any) -> Client:
        token = self.tokens.issue("anna", {"plan": "pro"})
        return Client(self.url, transport, token=token, **options)


@pytest.fixture
def served() -> Iterator[Served]:
    found, app = Served(), FastAPI()
    found.stream.mount(app)
    with serving(app) as url:
        found.url = url
        yield found


async def ask(client: Client, name: str, data: Any = None) -> Any:
    client.send({"type": "ask", "name": name, "data": data})
    async for message in client.messages():
        if message["type"] == "answer":
            return message["data"]
    raise AssertionError("it has ended")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_calls_both_ways(served: Served, transport: Any) -> None:
    async with served.client(transport, metadata={"plan": "free", "page": "/"}) as client:
        assert await client.call("who", [1]) == ["anna", {"plan": "pro", "page": "/"}, [1]]
        for name, reason in (("fail", "no such order"), ("unknown", "There is no method")):
            with pytest.raises(ClientError, match=reason) as raised:
                await client.call(name)
            assert raised.value.code == "call_failed"

        async def later(data: Any) -> Any:
            await asyncio.sleep(0)
            return {"got": data}

        client.handle("double", lambda value: value * 2)
        client.handle("later", later)
        client.handle("broken", lambda value: 1 / 0)
        client.handle("odd", lambda value: object())  # type: ignore[arg-type, return-value]
        client.handle("gone", later)
        client.handle("gone", None)
        assert await ask(client, "double", 4) == 8
        assert await ask(client, "later", "x") == {"got": "x"}
        assert await ask(client, "broken") == "ClientCallError: division by zero"
        assert "not JSON serializable" in await ask(client, "odd")
        assert await ask(client, "gone") == "ClientCallError: There is no function 'gone'"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_end_of_the_connection_ends_a_call(served: Served, transport: Any) -> None:
    hanging = asyncio.Event()

    @served.stream.method
    async def hang(data: Any) -> None:
        hanging.set()
        await asyncio.Event().wait()

    async with served.client(transport) as client:
        calling = asyncio.ensure_future(client.call("hang"))
        await eventually(hanging.is_set)
        with pytest.raises(ClientError, match=r"no answer within 0\.01 s"):
            await client.call("hang", timeout_s=0.01)
        assert await asyncio.to_thread(closed, served, client.id)
        with pytest.raises(ClientError, match="the connection has ended"):
            await calling
        error = await client.wait_closed()
        assert error is not None and error.code == "ended_by_server"


def closed(served: Served, id: str) -> bool:
    session = served.stream.connections
    loop = served.stream.handlers[id].loop
    assert id in session
    return asyncio.run_coroutine_threadsafe(served.stream.close(id, "enough"), loop).result(10)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_without_a_token_it_is_refused(served: Served, transport: Any) -> None:
    client = Client(served.url, transport)
    with pytest.raises(ClientError) as refused:
        await client.connect()
    assert refused.value.code == "unauthorized"
    assert "A token is required." in str(refused.value)
    with pytest.raises(ValueError, match="exclude each other"):
        Client(served.url, token="x", headers={"authorization": "Basic x"})
