"""The options of a stream about its connections, and what its routes make of them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fastrtc import AsyncStreamHandler, Context, Stream, get_current_context
from fastrtc.server.endpoint import endpoint_of
from fastrtc.server.tokens import EXPIRED, INVALID, MISSING, USED
from tests.support.peers import LOCAL, AudioSource, Client, eventually

SECRET = "a secret of the tests"


class Handler(AsyncStreamHandler):
    """Notes the contexts of its connections."""

    contexts: list[Context]

    def __init__(self, contexts: list[Context]) -> None:
        super().__init__()
        self.contexts = contexts

    def copy(self) -> "Handler":
        self.contexts.append(get_current_context())
        return Handler(self.contexts)

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None:
        await asyncio.Event().wait()


class Served:
    """A mounted stream, and requests to it."""

    def __init__(self, **options: Any) -> None:
        self.contexts: list[Context] = []
        options = {"server_rtc_configuration": LOCAL, "concurrency_limit": 9, **options}
        self.stream = Stream(Handler(self.contexts), modality="audio", verbose=False, **options)
        self.app = FastAPI()
        self.stream.mount(self.app)

    def http(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=("192.0.2.7", 1))
        return httpx.AsyncClient(transport=transport, base_url="http://example.org")

    async def offer(self, client: Client, url: str = "", **options: Any) -> dict[str, Any]:
        body = {**await client.offer(), **options.pop("body", {})}
        async with self.http() as http:
            answer = await http.post(f"/webrtc/offer{url}", json=body, **options)
        result: dict[str, Any] = answer.json()
        if "sdp" in result:
            await client.take(result)
        return result

    def socket(self, url: str = "", start: Any = None, **options: Any) -> list[Any]:
        """Connect over a WebSocket, and return what it says until it answers a ping."""
        messages: list[Any] = []
        with (
            TestClient(self.app, client=("192.0.2.8", 1)) as http,
            http.websocket_connect(f"/websocket/offer{url}", **options) as socket,
        ):
            try:
                if start is not None:
                    socket.send_json({"event": "start", "websocket_id": "ws", **start})
                socket.send_json({"event": "ping"})
                while not messages or messages[-1] != {"event": "pong"}:
                    messages.append(socket.receive_json())
            except WebSocketDisconnect:
                pass
        return messages


@pytest.fixture
def served() -> Iterator[Served]:
    yield Served()


async def close(served: Served, client: Client) -> None:
    served.stream.clean_up(client.webrtc_id)
    await client.close()
    await client.over()


# Who it is


async def test_the_context_knows_the_request_and_the_metadata_of_an_offer(served: Served) -> None:
    client = Client(served.stream, audio=AudioSource())
    answer = await served.offer(
        client,
        "?room=5&room=6",
        headers={"X-User": "anna", "Cookie": "session=abc; theme=dark"},
        body={"metadata": {"name": "Anna", "cart": [1]}},
    )
    assert answer["type"] == "answer"
    (context,) = served.contexts
    assert context.metadata == {"name": "Anna", "cart": [1]}
    assert context.user is None and context.state == {}
    request = context.request
    assert request is not None and request.headers["x-user"] == "anna"
    assert request.cookies == {"session": "abc", "theme": "dark"}
    assert request.query == {"room": "6"} and request.client_host == "192.0.2.7"
    await close(served, client)


def test_the_context_knows_the_request_and_the_metadata_of_a_websocket(served: Served) -> None:
    said = served.socket("?room=5", {"metadata": {"a": 1}}, headers={"X-User": "anna"})
    assert said == [{"event": "pong"}]
    (context,) = served.contexts
    assert context.metadata == {"a": 1} and context.websocket is not None
    assert context.request is not None and context.request.headers["X-User"] == "anna"
    assert context.request.query == {"room": "5"}
    assert context.request.client_host == "192.0.2.8"


@pytest.mark.parametrize("metadata", [[1], "text", 5, {"a": "x" * 17_000}])
async def test_what_is_no_metadata_is_refused(served: Served, metadata: Any) -> None:
    client = Client(served.stream, audio=AudioSource())
    answer = await served.offer(client, body={"metadata": metadata})
    assert "metadata m" in answer["detail"]
    await client.close()
    errors = served.socket(start={"metadata": metadata})
    assert errors[0]["type"] == "error" and "metadata m" in errors[0]["data"]
    assert served.contexts == []


def authorize(request: Any) -> Any:
    return {"id": request.headers["x-user"]} if "x-user" in request.headers else "Who are you?"


async def test_what_authorize_returns_is_the_user() -> None:
    served = Served(authorize=authorize)
    client = Client(served.stream, audio=AudioSource())
    await served.offer(client, headers={"X-User": "anna"})
    assert served.contexts[0].user == {"id": "anna"}
    await close(served, client)
    refused = Client(served.stream, audio=AudioSource())
    assert (await served.offer(refused))["meta"]["reason"] == "Who are you?"
    await refused.close()


# Tokens


async def test_a_token_opens_one_connection() -> None:
    served = Served()
    tokens = served.stream.tokens(SECRET)
    token = tokens.issue("anna", {"plan": "pro"})
    headers = {"Authorization": f"Bearer {token}"}
    client, again = (Client(served.stream, audio=AudioSource()) for _ in range(2))
    body = {"metadata": {"plan": "free", "page": "/"}}
    assert "sdp" in await served.offer(client, headers=headers, body=body)
    (context,) = served.contexts
    assert context.user == "anna" and context.metadata == {"plan": "pro", "page": "/"}
    async with served.http() as http:  # the candidates of the connection need it, too
        candidate = {"candidate": None, "type": "ice-candidate", "webrtc_id": client.webrtc_id}
        answer = await http.post("/webrtc/offer", json=candidate, headers=headers)
        assert answer.json() == {"status": "success"}
    refusal = await served.offer(again, headers=headers)
    assert refusal["meta"] == {"error": "unauthorized", "reason": USED}
    await close(served, client)
    await again.close()


def test_a_websocket_has_its_token_in_the_url_or_as_a_subprotocol() -> None:
    served = Served()
    tokens = served.stream.tokens(SECRET)
    assert served.socket(f"?token={tokens.issue('url')}", {}) == [{"event": "pong"}]
    offered = ["fastrtc", tokens.issue("subprotocol")]
    with (
        TestClient(served.app) as http,
        http.websocket_connect("/websocket/offer", subprotocols=offered) as socket,
    ):
        assert socket.accepted_subprotocol == "fastrtc"
        socket.send_json({"event": "start", "websocket_id": "ws"})
        socket.send_json({"event": "ping"})
        assert socket.receive_json() == {"event": "pong"}
    alone = tokens.issue()
    with (
        TestClient(served.app) as http,
        http.websocket_connect("/websocket/offer", subprotocols=[alone]) as socket,
    ):
        assert socket.accepted_subprotocol == alone
    assert [context.user for context in served.contexts] == ["url", "subprotocol"]


def test_other_subprotocols_are_left_as_they_were(served: Served) -> None:
    with (
        TestClient(served.app) as http,
        http.websocket_connect("/websocket/offer", subprotocols=["own"]) as socket,
    ):
        assert socket.accepted_subprotocol is None


async def test_without_a_valid_token_nothing_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served()
    tokens = served.stream.tokens(SECRET)
    old = tokens.issue(ttl=0.001)
    await asyncio.sleep(0.01)
    for url, reason in (("", MISSING), (f"?token={old}", EXPIRED), (f"?token={old}x", INVALID)):
        client = Client(served.stream, audio=AudioSource())
        meta = {"error": "unauthorized", "reason": reason}
        assert await served.offer(client, url) == {"status": "failed", "meta": meta}
        await client.close()
        said = await asyncio.to_thread(served.socket, url, {})
        assert said == [{"status": "failed", "meta": meta}]
    assert served.contexts == [] and len(endpoint_of(served.stream).places) == 0


async def test_authorize_is_called_after_the_token_and_may_say_who_it_is() -> None:
    asked: list[Any] = []

    def decide(request: Any) -> Any:
        asked.append(request.headers.get("x-user"))
        return request.headers.get("x-user") and {"of": "authorize"}

    served = Served(authorize=decide)
    tokens = served.stream.tokens(SECRET)
    for user, expected in (("anna", {"of": "authorize"}), (None, "of the token")):
        headers = {"X-User": user} if user else {}
        client = Client(served.stream, audio=AudioSource())
        await served.offer(client, f"?token={tokens.issue('of the token')}", headers=headers)
        assert served.contexts[-1].user == expected
        await close(served, client)
    assert asked == ["anna", None]


async def test_tokens_may_be_one_of_several_ways() -> None:
    served = Served(authorize=authorize)
    served.stream.tokens(SECRET, required=False)
    client = Client(served.stream, audio=AudioSource())
    headers = {"X-User": "anna", "Authorization": "Bearer of-another-service"}
    assert "sdp" in await served.offer(client, headers=headers)
    await close(served, client)


async def test_a_refused_place_does_not_use_up_a_token() -> None:
    served = Served(concurrency_limit=1)
    tokens = served.stream.tokens(SECRET)
    first, second, third = (Client(served.stream, audio=AudioSource()) for _ in range(3))
    await served.offer(first, f"?token={tokens.issue()}")
    token = tokens.issue()
    refusal = await served.offer(second, f"?token={token}")
    assert refusal["meta"]["error"] == "concurrency_limit_reached"
    await close(served, first)
    assert "sdp" in await served.offer(third, f"?token={token}")
    await close(served, third)
    await second.close()


# Closing, and options


async def test_the_program_closes_a_connection_with_a_reason() -> None:
    ends: list[Any] = []
    served = Served(on_disconnect=lambda context, end: ends.append((context.webrtc_id, end)))
    async with Client(served.stream, audio=AudioSource()) as client:
        await eventually(lambda: client.channel.readyState == "open")
        assert not await served.stream.close("unknown")
        assert await served.stream.close(client.webrtc_id, "Your time is up")
        await client.message("end_stream", "Your time is up")
        assert client.of_type("end_stream")[0]["code"] == "server"
        await eventually(lambda: ends)
    ((id, end),) = ends
    assert id == client.webrtc_id
    assert (end.code, end.reason, end.transport) == ("server", "Your time is up", "webrtc")
    assert end.duration_s > 0


@pytest.mark.parametrize("name", ["on_connect", "on_disconnect"])
def test_what_is_no_function_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a function or None"):
        Served(**{name: 3})
    with pytest.raises(TypeError, match="on_message must be a function of one message"):
        Served(on_message=3)


@pytest.mark.parametrize("timeout", [0, -1, "30", True, float("inf")])
def test_an_idle_timeout_is_a_number_of_seconds(timeout: Any) -> None:
    with pytest.raises(ValueError, match="idle_timeout must be a positive number"):
        Served(idle_timeout=timeout)


def test_methods_have_names() -> None:
    stream = Served().stream

    @stream.method
    def one(data: Any) -> Any: ...

    @stream.method("cart.clear")
    async def clear() -> None: ...

    @stream.method()
    def two(data: Any) -> Any: ...

    assert {*endpoint_of(stream).hooks.methods} == {"one", "cart.clear", "two"}
    with pytest.raises(ValueError, match="has a method 'one' already"):
        stream.method("one")(two)
    with pytest.raises(TypeError, match="must have one parameter"):
        stream.method(lambda a, b: 1)
    assert one("x") is None


async def test_the_page_has_the_same_methods_and_options() -> None:
    stream = Served(on_message=print).stream
    assert endpoint_of(stream.webrtc_component).hooks is endpoint_of(stream).hooks


def test_a_subclass_may_use_the_same_names() -> None:
    class Own(Stream):
        on_message = "own"

        def method(self) -> str:
            return "own"

        def close(self) -> str:
            return "own"

        def tokens(self) -> str:
            return "own"

    stream = Own(Handler([]), modality="audio", on_message=print)
    assert stream.close() == stream.method() == stream.tokens() == stream.on_message == "own"
    assert endpoint_of(stream).hooks.on_message is print
    assert json.dumps([])
