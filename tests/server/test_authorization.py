"""Who may connect: one function guards all routes, and a refused caller costs nothing."""

import asyncio
import contextvars
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request, Response, WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from fastrtc import AsyncStreamHandler, Stream, Unauthorized
from fastrtc.core.errors import SessionRefused
from fastrtc.core.identity import current_identity
from fastrtc.core.log_throttle import LogThrottle
from fastrtc.server import authorization as module
from fastrtc.server.authorization import claims_of, refusal_of
from fastrtc.server.tokens import Tokens
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.websocket.served import Served, serve

PHONE = {"host": "example.com"}
CANDIDATE = "candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host"


class Echo(AsyncStreamHandler):
    copies = 0

    def copy(self) -> "Echo":
        type(self).copies += 1
        return Echo()

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None: ...


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Echo, "copies", 0)
    monkeypatch.setattr(module, "_failures", LogThrottle())


def request(**headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": raw, "query_string": b""}
    return Request(scope)


def refused(reason: str | None = None) -> dict[str, Any]:
    meta = {"error": "unauthorized"} if reason is None else {"error": "unauthorized"}
    return {"status": "failed", "meta": meta if reason is None else {**meta, "reason": reason}}


def raises(error: Exception) -> Callable[[Any], Any]:
    def authorize(request: Any) -> None:
        raise error

    return authorize


def gives(value: Any) -> Callable[[Any], Any]:
    return lambda request: value


# What the function may say


@pytest.mark.parametrize("kind", ["sync", "async", "object"])
@pytest.mark.parametrize(
    ("says", "answer"),
    [
        (gives(None), None),
        (gives(True), None),
        (gives(False), refused()),
        (gives(""), refused()),
        (gives("Log in first."), refused("Log in first.")),
        (raises(Unauthorized("Your trial is over.")), refused("Your trial is over.")),
        (raises(Unauthorized()), refused()),
        (raises(HTTPException(401, "Bad token")), refused("Bad token")),
    ],
)
async def test_what_it_says_is_what_happens(says: Any, answer: Any, kind: str):
    async def asynchronous(request: Any) -> Any:
        return says(request)

    class Callable_:
        async def __call__(self, request: Any) -> Any:
            return says(request)

    hook = {"sync": says, "async": asynchronous, "object": Callable_()}[kind]
    refusal = await refusal_of(hook, request())
    assert (refusal and refusal.answer) == answer


@pytest.mark.parametrize("user", [{"id": 5}, 42, ["a"], object()])
async def test_what_it_returns_else_is_the_user(user: Any):
    assert await refusal_of(gives(user), request(cookie="a=b", accept="x")) is None
    identity = current_identity.get()
    assert identity.user is user
    assert identity.request is not None
    assert identity.request.cookies == {"a": "b"} and identity.request.headers["Accept"] == "x"


def test_a_token_may_be_in_the_body_of_a_request():
    tokens = Tokens("a secret of the tests")
    claims = claims_of(tokens, request(), tokens.issue("anna"))
    assert claims is not None and claims.user == "anna"
    headers = request(authorization=f"Bearer {tokens.issue('bob')}")
    for given in (None, 3, "a token of another kind"):
        claims = claims_of(tokens, headers, given)
        assert claims is not None and claims.user == "bob"
        with pytest.raises(SessionRefused):
            claims_of(tokens, request(), given)
    with pytest.raises(SessionRefused):
        claims_of(tokens, headers, tokens.issue("anna") + "x")


async def test_without_a_function_every_client_is_authorized():
    assert await refusal_of(None, None) is None


@pytest.mark.parametrize(
    ("says", "logged"),
    [
        (raises(KeyError("the database is down")), "the database is down"),
        (gives({}), "must return None, True or the user, or False or a string to refuse"),
        (gives(0), "not 0"),
        (gives(HTTPException(401)), "not HTTPException"),
        (gives(Unauthorized), "not <class"),
        (gives(Response(status_code=401)), "must return"),
    ],
)
async def test_one_that_fails_refuses_without_a_reason_and_says_why_in_the_log_once(
    says: Any, logged: str, caplog: pytest.LogCaptureFixture
):
    for _ in range(100):
        refusal = await refusal_of(says, request())
        assert refusal is not None and refusal.answer == refused()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and logged in caplog.text


async def test_a_request_that_is_not_known_is_refused(caplog: pytest.LogCaptureFixture):
    refusal = await refusal_of(gives(True), None)
    assert refusal is not None and "no request" in caplog.text


@pytest.mark.parametrize("value", ["yes", 5, {}])
def test_what_is_no_function_is_an_error(value: Any):
    with pytest.raises(ValueError, match="authorize must be a function"):
        Stream(Echo(), modality="audio", authorize=value)


# The four routes


def by_token(asked: list[Any] | None = None) -> Callable[[Any], Any]:
    async def authorize(request: Request | WebSocket) -> str | None:
        if asked is not None:
            asked.append(request)
        return None if request.headers.get("authorization") == "Bearer me" else "Log in first."

    return authorize


def assert_nothing_was_done(stream: Stream) -> None:
    tables = (stream.handlers, stream.connections, stream.pcs, stream.additional_outputs)
    assert (
        not any(tables)
        and len(connections_of(stream).registry) == 0
        and len(connections_of(stream).pending) == 0
    )
    assert not connections_of(stream).early._kept and Echo.copies == 0


@asynccontextmanager
async def http_of(stream: Stream) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    stream.mount(app, path="/at")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://example.com/at") as http:
        yield http


@pytest.mark.parametrize(
    "body",
    [
        {"sdp": "v=0", "type": "offer", "webrtc_id": "a"},
        {"candidate": CANDIDATE, "type": "ice-candidate", "webrtc_id": "a"},
        {"candidate": None, "type": "ice-candidate", "webrtc_id": "a"},
        {"type": "nonsense", "webrtc_id": "a"},
        {},
        [],
    ],
)
async def test_webrtc_offer(body: Any, caplog: pytest.LogCaptureFixture):
    stream = Stream(Echo(), modality="audio", authorize=by_token())
    async with http_of(stream) as http:
        response = await http.post("/webrtc/offer", json=body)
        assert (response.status_code, response.json()) == (200, refused("Log in first."))
        no_json = await http.post("/webrtc/offer", content=b"{")
        assert no_json.json() == refused("Log in first.")
    assert_nothing_was_done(stream)
    assert not caplog.records


async def test_an_authorized_client_connects_over_webrtc():
    asked: list[Any] = []
    stream = Stream(
        Echo(), modality="audio", authorize=by_token(asked), server_rtc_configuration=LOCAL
    )
    client = Client(stream, audio=AudioSource(tone(5)))
    headers = {"authorization": "Bearer me"}
    async with http_of(stream) as http:
        answer = await http.post("/webrtc/offer", json=await client.offer(), headers=headers)
        candidate = {
            "candidate": CANDIDATE,
            "type": "ice-candidate",
            "webrtc_id": client.webrtc_id,
        }
        theirs = await http.post("/webrtc/offer", json=candidate)
        assert theirs.json() == refused("Log in first.")
        mine = await http.post("/webrtc/offer", json=candidate, headers=headers)
        assert mine.json() == {"status": "success"}
    await client.take(answer.json())
    await client.state("connected")
    await client.close()
    await client.over()
    assert [one.url.path for one in asked] == ["/at/webrtc/offer"] * 3


async def test_what_an_async_one_puts_into_the_context_is_there_in_the_copy_of_the_handler():
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")
    users: list[str] = []

    class Personal(Echo):
        def copy(self) -> Any:
            users.append(user.get())
            return Echo()

    async def authorize(request: Request | WebSocket) -> None:
        await asyncio.sleep(0)
        user.set(request.headers.get("x-user", ""))

    options: dict[str, Any] = {"authorize": authorize, "server_rtc_configuration": LOCAL}
    async with serve(Personal(), **options) as served:
        client = Client(served.stream, audio="sendrecv")
        async with httpx.AsyncClient(base_url=http_url(served)) as http:
            offer = await client.offer()
            await http.post("/webrtc/offer", json=offer, headers={"x-user": "ada"})
        await client.close()
        async with served.client(additional_headers={"x-user": "bob"}) as socket:
            await socket.start("a")
            await served.handler()
        await served.stream.close_sessions()
    assert users == ["ada", "bob"]


def http_url(served: Served) -> str:
    return served.address.replace("ws:", "http:").removesuffix("/websocket/offer")


async def test_the_body_can_be_read_and_is_still_there():
    async def authorize(request: Request | WebSocket) -> bool:
        assert isinstance(request, Request)
        return (await request.json())["webrtc_id"] == "mine"

    stream = Stream(Echo(), modality="audio", authorize=authorize)
    async with http_of(stream) as http:
        body = {"candidate": CANDIDATE, "type": "ice-candidate", "webrtc_id": "mine"}
        assert (await http.post("/webrtc/offer", json=body)).json() == {"status": "success"}
        other = await http.post("/webrtc/offer", json={**body, "webrtc_id": "other"})
        assert other.json() == refused()
    await stream.close_sessions()


async def test_websocket_offer():
    async with serve(Echo(), authorize=by_token()) as served:
        async with served.client() as client:
            await client.wait_for(**refused("Log in first."))
            assert await client.closed() == 1008
            assert len(client.messages) == 1
        assert_nothing_was_done(served.stream)
        async with served.client(additional_headers={"authorization": "Bearer me"}) as client:
            await client.start("a")
            await served.handler()


async def test_a_client_that_goes_while_it_is_being_judged_does_no_harm(
    caplog: pytest.LogCaptureFixture,
):
    asked, judged = asyncio.Event(), asyncio.Event()

    async def authorize(request: Any) -> bool:
        asked.set()
        await judged.wait()
        return False

    async with serve(Echo(), authorize=authorize) as served:
        connecting = asyncio.ensure_future(connect(served.address).__aenter__())
        await asked.wait()
        connecting.cancel()
        await asyncio.wait([connecting])
        judged.set()
        await asyncio.sleep(0.05)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_telephone_incoming():
    stream = Stream(Echo(), modality="audio", authorize=by_token())
    async with http_of(stream) as http:
        response = await http.post("/telephone/incoming", headers=PHONE)
        assert response.status_code == 200
        assert "<Say>Log in first.</Say><Hangup />" in response.text
        assert "<Stream" not in response.text
        headers = {**PHONE, "authorization": "Bearer me"}
        response = await http.post("/telephone/incoming", headers=headers)
        assert "<Stream" in response.text
    stream.authorize = gives(False)
    async with http_of(stream) as http:
        response = await http.post("/telephone/incoming", headers=PHONE)
        assert "<Say>Sorry, this call cannot be taken.</Say><Hangup />" in response.text
    assert_nothing_was_done(stream)


async def test_telephone_handler():
    async with serve(Echo(), authorize=by_token()) as served:
        address = served.address.replace("/websocket/offer", "/telephone/handler")
        with pytest.raises(InvalidStatus) as caught:
            await connect(address)
        assert caught.value.response.status_code == 403
        assert_nothing_was_done(served.stream)
        async with connect(address, additional_headers={"authorization": "Bearer me"}) as socket:
            start = {"event": "start", "streamSid": "MZ1", "start": {"streamSid": "MZ1"}}
            await socket.send(json.dumps(start))
            await served.handler("MZ1")


async def test_routes_of_a_subclass_that_calls_on_ask_too():
    class Mine(Stream):
        async def websocket_offer(self, websocket: WebSocket) -> None:
            await super().websocket_offer(websocket)

    app = FastAPI()
    asked: list[Any] = []
    stream = Mine(Echo(), modality="audio", authorize=by_token(asked))

    @app.websocket("/own")
    async def own(websocket: WebSocket) -> None:
        await websocket.accept()
        await stream.websocket_offer(websocket)

    async with serve(Echo(), app=app) as served:
        async with connect(served.address.replace("/websocket/offer", "/own")) as socket:
            assert json.loads(await socket.recv()) == refused("Log in first.")
    assert len(asked) == 1


async def test_a_thousand_refused_callers_leave_nothing_behind(caplog: pytest.LogCaptureFixture):
    stream = Stream(Echo(), modality="audio", authorize=gives(False))
    async with http_of(stream) as http:
        before = len(asyncio.all_tasks())
        for begin in range(0, 1000, 100):
            bodies = [{"type": "offer", "webrtc_id": f"{begin + k}"} for k in range(100)]
            answers = await asyncio.gather(*(http.post("/webrtc/offer", json=b) for b in bodies))
            assert all(answer.json() == refused() for answer in answers)
        await eventually(lambda: len(asyncio.all_tasks()) <= before)
    assert_nothing_was_done(stream)
    assert not [one for one in caplog.records if one.name.startswith("fastrtc")]
