"""`Stream`: what it takes, where it is mounted, and what it answers without a peer."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.contrib.media import MediaRelay
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import BaseModel

from fastrtc.core.outputs import AdditionalOutputs
from fastrtc.handlers.inputs import WebRTCData
from fastrtc.handlers.stream import AsyncStreamHandler, StreamHandler
from fastrtc.server import output_readers
from fastrtc.session.session import Session
from fastrtc.stream import Body, OfferRefused, Stream
from fastrtc.webrtc_connection_mixin import WebRTCConnectionMixin
from tests.support.connections import add_connection, connections_of

NO_SERVERS = {"iceServers": []}


def flip(frame):
    return frame[::-1]


class Echo(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.triggered = 0

    async def receive(self, frame) -> None: ...

    async def emit(self) -> None:
        await asyncio.sleep(0.02)

    def copy(self) -> "Echo":
        return Echo()

    def trigger_response(self) -> None:
        self.triggered += 1


def stream(handler: Any = flip, **options: Any) -> Stream:
    return Stream(handler, **{"verbose": False, "server_rtc_configuration": NO_SERVERS} | options)


def offer_sdp(kind: str) -> str:
    """An offer of one track that parses, and that nobody stands behind."""
    codec = {"audio": "111 opus/48000/2", "video": "96 VP8/90000"}[kind].split()
    fingerprint = ":".join(["AB"] * 32)
    lines = f"""
        v=0
        o=- 1 1 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0
        m={kind} 9 UDP/TLS/RTP/SAVPF {codec[0]}
        c=IN IP4 0.0.0.0
        a=mid:0
        a=sendrecv
        a=rtcp-mux
        a=setup:actpass
        a=ice-ufrag:abcd
        a=ice-pwd:abcdefghijklmnopqrstuvwx
        a=fingerprint:sha-256 {fingerprint}
        a=rtpmap:{codec[0]} {codec[1]}
    """
    return "\r\n".join(line.strip() for line in lines.strip().splitlines()) + "\r\n"


def offer(kind: str = "video", webrtc_id: str = "me", **more: Any) -> dict[str, Any]:
    return {"sdp": offer_sdp(kind), "type": "offer", "webrtc_id": webrtc_id, **more}


def content(response: Any) -> Any:
    return json.loads(response.body)


def ignore(outputs: AdditionalOutputs) -> None: ...


# Construction


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"handler": None}, "handler for modality='video' and mode='send-receive' must be"),
        ({"modality": "audio"}, "handler for modality='audio'.*StreamHandler.*not the function"),
        ({"handler": Echo}, "handler is the class Echo: pass an instance"),
        ({"modality": "smell"}, "Modality must be 'video', 'audio' or 'audio-video', not 'smell'"),
        ({"mode": "both"}, "mode must be 'send-receive', 'receive' or 'send', not 'both'"),
        ({"concurrency_limit": 0}, "concurrency_limit must be a positive integer, None or 'def"),
        ({"concurrency_limit": True}, "concurrency_limit must be .* not True"),
        ({"concurrency_limit": "many"}, "concurrency_limit must be .* not 'many'"),
        ({"time_limit": 0}, "time_limit must be a positive number of seconds or None, not 0"),
        ({"time_limit": "60"}, "time_limit must be .* not '60'"),
        ({"drain_limit": -1}, "drain_limit must be a non-negative number of seconds, not -1"),
        ({"drain_limit": None}, "drain_limit must be .* not None"),
        ({"time_limit": float("nan")}, "time_limit must be"),
        ({"rtp_params": []}, "rtp_params must be a dict or None, not list"),
        ({"track_constraints": True}, "track_constraints must be a dict or None, not bool"),
        ({"ui_args": "dark"}, "ui_args must be a dict or None, not str"),
        ({"rtc_configuration": "stun"}, "rtc_configuration must be a dict as for RTCPeer"),
        (
            {"rtc_configuration": {"iceServers": [{"urls": "http://x"}]}},
            "rtc_configuration must be .*not a STUN or TURN URL: 'http://x'",
        ),
        (
            {"server_rtc_configuration": {"iceServers": [{}]}},
            "server_rtc_configuration must be .*iceServers must",
        ),
        (
            {"server_rtc_configuration": {"iceTransportPolicy": "some"}},
            "server_rtc_configuration must be .*iceTransportPolicy must be 'all' or 'relay'",
        ),
    ],
)
def test_an_argument_that_cannot_be_is_named_with_what_it_may_be(arguments, message: str):
    with pytest.raises(ValueError, match=message):
        stream(**arguments)


def test_arguments_are_attributes():
    def outputs_handler(old, new):
        return new

    given, taken = (SimpleNamespace(_id=number, render=list) for number in range(2))
    made = Stream(
        flip,
        additional_outputs_handler=outputs_handler,
        concurrency_limit=7,
        time_limit=2.5,
        allow_extra_tracks=True,
        rtp_params={"a": 1},
        rtc_configuration=NO_SERVERS,
        track_constraints={"b": 2},
        additional_inputs=[given],
        additional_outputs=[taken],
        ui_args={"title": "T"},
        verbose=False,
    )

    assert made.event_handler is flip
    assert (made.mode, made.modality) == ("send-receive", "video")
    assert (made.concurrency_limit, made.concurrency_limit_gradio) == (7, 7)
    assert (made.time_limit, made.allow_extra_tracks, made.verbose) == (2.5, True, False)
    assert (made.rtp_params, made.rtc_configuration) == ({"a": 1}, NO_SERVERS)
    assert (made.track_constraints, made.ui_args) == ({"b": 2}, {"title": "T"})
    assert made.additional_input_components == [given]
    assert made.additional_output_components == [taken]
    assert made.additional_outputs_handler is outputs_handler


@pytest.mark.parametrize(
    ("given", "limit"), [("default", 1), (None, 1), (1, 1), (5, 5), (2**31, 2**31)]
)
def test_the_limit_as_a_number_and_as_it_was_given(given, limit: int):
    made = stream(concurrency_limit=given)

    assert (made.concurrency_limit, made.concurrency_limit_gradio) == (limit, given)


def test_it_has_dicts_by_id_that_programs_read():
    made = stream()

    for name in (
        "pcs",
        "handlers",
        "connections",
        "data_channels",
        "additional_outputs",
        "connection_timeouts",
    ):
        assert getattr(made, name) == {}, name


def test_two_streams_share_nothing():
    assert stream().connections is not stream().connections


def test_the_servers_configuration_is_converted_and_a_function_is_kept():
    async def configuration():
        return NO_SERVERS

    assert stream().server_rtc_configuration.iceServers == []
    assert stream(server_rtc_configuration=None).server_rtc_configuration is None
    assert stream(server_rtc_configuration=configuration).server_rtc_configuration is configuration


async def test_the_clients_configuration_is_asked_for_each_time():
    asked = []

    def configuration():
        asked.append(True)
        return {"iceServers": [{"urls": f"stun:{len(asked)}"}]}

    made = stream(rtc_configuration=configuration)

    assert (await made.get_rtc_configuration())["iceServers"] == [{"urls": "stun:1"}]
    assert (await made.resolve_rtc_configuration())["iceServers"] == [{"urls": "stun:2"}]


async def test_without_a_configuration_there_is_none_to_give():
    assert await stream().get_rtc_configuration() is None
    assert await stream().resolve_rtc_configuration() == {}
    assert WebRTCConnectionMixin.convert_to_aiortc_format(None) is None


# Mounting


def routes(app: FastAPI) -> list[Any]:
    return [route for route in app.router.routes if "webrtc" in getattr(route, "path", "")]


@pytest.mark.parametrize("path", ["", "/assistant"])
def test_mounting_adds_its_routes_below_the_path(path: str):
    app = FastAPI()

    stream().mount(app, path=path)

    (route,) = routes(app)
    assert (route.path, route.methods) == (f"{path}/webrtc/offer", {"POST"})


@pytest.mark.parametrize("path", ["assistant", "/assistant/", "/"])
def test_a_path_that_would_not_be_found_is_refused(path: str):
    with pytest.raises(ValueError, match="path must be ''"):
        stream().mount(FastAPI(), path=path)


def test_its_routes_have_the_tags():
    app = FastAPI()

    stream().mount(app, tags=["voice"])

    assert routes(app)[0].tags == ["voice"]
    assert app.openapi()["paths"]["/webrtc/offer"]["post"]["tags"] == ["voice"]


def test_several_streams_are_mounted_on_one_app():
    app = FastAPI()

    stream().mount(app, path="/a")
    stream(Echo(), modality="audio").mount(app, path="/b")

    assert [route.path for route in routes(app)] == ["/a/webrtc/offer", "/b/webrtc/offer"]


async def test_the_method_of_a_subclass_is_mounted():
    class Mine(Stream):
        async def offer(self, body: Body) -> Any:
            return {"mine": body.webrtc_id}

    app = FastAPI()
    Mine(flip, verbose=False).mount(app)

    async with client_of(app) as client:
        answer = await client.post("/webrtc/offer", json=offer())

    assert answer.json() == {"mine": "me"}


async def test_a_route_may_be_found_by_its_path_and_replaced():
    app = FastAPI()
    stream().mount(app)
    app.router.routes[:] = [r for r in app.router.routes if r.path != "/webrtc/offer"]

    @app.post("/webrtc/offer")
    async def own() -> dict[str, bool]:
        return {"own": True}

    async with client_of(app) as client:
        assert (await client.post("/webrtc/offer", json=offer())).json() == {"own": True}


async def test_a_route_that_was_there_before_wins():
    app = FastAPI()

    @app.post("/webrtc/offer")
    async def own() -> dict[str, bool]:
        return {"own": True}

    stream().mount(app)

    async with client_of(app) as client:
        assert (await client.post("/webrtc/offer", json=offer())).json() == {"own": True}


async def test_the_lifespan_of_the_app_runs_as_before():
    trace = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, int]]:
        trace.append("begins")
        yield {"answer": 42}
        trace.append("ends")

    app = FastAPI(lifespan=lifespan)
    made = stream()
    made.mount(app)

    async with app.router.lifespan_context(app) as state:
        assert state == {"answer": 42}
        assert trace == ["begins"]
    assert trace == ["begins", "ends"]


async def test_a_test_client_whose_requests_have_loops_of_their_own_keeps_the_places():
    app, made = FastAPI(), stream(Echo(), modality="audio", mode="send-receive")
    made.mount(app)
    pc = RTCPeerConnection(RTCConfiguration([]))
    pc.addTransceiver("audio")
    await pc.setLocalDescription(await pc.createOffer())
    body = {"sdp": pc.localDescription.sdp, "type": "offer"}
    requests = TestClient(app)
    first = await asyncio.to_thread(
        requests.post, "/webrtc/offer", json={**body, "webrtc_id": "first"}
    )
    other = await asyncio.to_thread(
        requests.post, "/webrtc/offer", json={**body, "webrtc_id": "other"}
    )
    await pc.close()
    assert first.json()["type"] == "answer"
    assert other.json()["meta"] == {"error": "concurrency_limit_reached", "limit": 1}
    assert list(made.connections) == ["first"]


async def test_connections_end_with_the_lifespan():
    app, made = FastAPI(), stream()
    made.mount(app)

    async with app.router.lifespan_context(app):
        session = connect(made, "me")
    assert session.reason.text == "The server stops"
    assert session.closed.is_set()
    assert made.connections == {}


async def test_a_lifespan_that_fails_ends_the_connections_too():
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        raise ValueError("broken")

    app, made = FastAPI(lifespan=lifespan), stream()
    made.mount(app)

    with pytest.raises(ValueError, match="broken"):
        async with app.router.lifespan_context(app):
            session = connect(made, "me")
    assert session.closed.is_set()


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        (flip, "video stream (send-receive) is ready for WebRTC offers, 1 connection"),
        (Echo(), "audio stream (send-receive) is ready for WebSocket clients and telephone calls"),
    ],
)
async def test_the_line_at_the_start_says_who_may_come(handler: Any, told: str, capsys):
    async with Stream(handler)._inject_startup_message()(FastAPI()):
        assert told in capsys.readouterr().out


@pytest.mark.parametrize("verbose", [True, False])
async def test_a_line_is_printed_at_the_start_if_verbose(verbose: bool, capsys):
    app = FastAPI()
    stream(verbose=verbose, concurrency_limit=3).mount(app)
    assert capsys.readouterr().out == ""

    async with app.router.lifespan_context(app):
        pass

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == verbose
    assert all("video stream (send-receive)" in line and "3 connections" in line for line in lines)


@pytest.mark.parametrize(
    ("variable", "value", "place"),
    [
        ("COLAB_RELEASE_TAG", "release", "Google Colab"),
        ("COLAB_JUPYTER_IP", "172.28.0.12", "Google Colab"),
        ("SYSTEM", "spaces", "Hugging Face Spaces"),
        ("SPACE_ID", "me/space", "Hugging Face Spaces"),
    ],
)
async def test_where_clients_need_a_turn_server_one_must_be_given(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, place: str
):
    monkeypatch.setenv(variable, value)
    app, configured = FastAPI(), FastAPI()
    stream().mount(app)
    stream(rtc_configuration={"iceServers": [{"urls": "turn:x"}]}).mount(configured)

    with pytest.raises(RuntimeError, match=f"{place} directly.*rtc_configuration"):
        async with app.router.lifespan_context(app):
            pass
    async with configured.router.lifespan_context(configured):
        pass


# Offers over HTTP


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app, made = FastAPI(), stream()
    made.mount(app)
    async with client_of(app) as client:
        yield client
    await made.close_sessions()


@pytest.mark.parametrize("missing", ["webrtc_id", "type"])
async def test_a_body_without_what_it_must_have_is_422(client: httpx.AsyncClient, missing: str):
    body = offer()
    del body[missing]

    answer = await client.post("/webrtc/offer", json=body)

    assert answer.status_code == 422
    assert missing in answer.text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (offer(webrtc_id=""), "webrtc_id must be a string of 1 to 256 characters"),
        (offer(webrtc_id="me\nERROR"), "webrtc_id must consist of printable characters"),
        (offer(webrtc_id="x" * 257), "webrtc_id must be a string of 1 to 256 characters"),
        ({"type": "offer", "webrtc_id": "me"}, "The offer has no sdp"),
        ({"type": "offer", "webrtc_id": "me", "sdp": ""}, "The offer has no sdp"),
        ({"type": "offer", "webrtc_id": "me", "sdp": "v=0"}, "malformed SDP"),
        (offer("audio"), "Unsupported track kind audio: the stream's modality is video"),
    ],
)
async def test_an_offer_that_cannot_be_answered_is_400(
    client: httpx.AsyncClient, body: dict[str, Any], reason: str
):
    answer = await client.post("/webrtc/offer", json=body)

    assert answer.status_code == 400
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize(
    "candidate",
    [
        {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "0"},
        "candidate:1 1 udp 1 127.0.0.1 9 typ host",
        {"candidate": ""},
        None,
    ],
)
async def test_a_candidate_may_come_before_its_offer(client: httpx.AsyncClient, candidate):
    body = {"candidate": candidate, "type": "ice-candidate", "webrtc_id": "me"}

    answer = await client.post("/webrtc/offer", json=body)

    assert (answer.status_code, answer.json()) == (200, {"status": "success"})


async def test_a_candidate_that_cannot_be_read_is_refused(client: httpx.AsyncClient):
    body = {"candidate": {"candidate": "nonsense"}, "type": "ice-candidate", "webrtc_id": "me"}

    answer = await client.post("/webrtc/offer", json=body)

    assert answer.status_code == 200
    assert answer.json() == {"status": "failed", "meta": {"error": "invalid_candidate_format"}}


async def test_other_fields_do_no_harm(client: httpx.AsyncClient):
    body = {"candidate": None, "type": "ice-candidate", "webrtc_id": "me", "voice": "af"}

    assert (await client.post("/webrtc/offer", json=body)).json() == {"status": "success"}


# Offers from routes of the program's own


async def test_any_model_with_the_fields_will_do():
    class Mine(BaseModel):
        webrtc_id: str
        type: str
        candidate: dict[str, Any] | None = None
        sdp: str | None = None
        voice: str

    made = stream()
    answer = await made.offer(Mine(webrtc_id="me", type="ice-candidate", voice="af"))
    await made.close_sessions()

    assert content(answer) == {"status": "success"}
    assert answer.status_code == 200


async def test_a_refused_offer_is_a_value_error_and_a_response():
    with pytest.raises(OfferRefused, match="Unsupported track kind audio") as caught:
        await stream().offer(Body(**offer("audio")))

    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, HTTPException)
    assert caught.value.status_code == 400
    with pytest.raises(ValueError, match="Unsupported track kind audio"):
        await stream().handle_offer(offer("audio"), set_outputs=ignore)


async def test_a_refused_offer_takes_no_place():
    made = stream()
    for _ in range(3):
        with pytest.raises(ValueError, match="malformed"):
            await made.handle_offer(offer() | {"sdp": "v=0"}, set_outputs=ignore)

    assert len(connections_of(made).registry) == 0


# Places, while an offer waits for its configuration


class SlowConfiguration:
    """Gives the server's configuration when it is let, and then none that can be used."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self) -> dict[str, Any]:
        self.asked.set()
        await self.go_on.wait()
        raise ConnectionError("no credentials")


async def test_an_offer_takes_its_place_at_once_and_gives_it_back_when_it_fails():
    configuration = SlowConfiguration()
    made = stream(server_rtc_configuration=configuration)
    first = asyncio.create_task(made.handle_offer(offer(webrtc_id="a"), ignore))
    await configuration.asked.wait()

    full = await made.handle_offer(offer(webrtc_id="b"), ignore)
    twice = await made.handle_offer(offer(webrtc_id="a"), ignore)

    assert full.status_code == 200
    assert content(full) == {
        "status": "failed",
        "meta": {"error": "concurrency_limit_reached", "limit": 1},
    }
    assert content(twice)["meta"] == {"error": "connection_already_exists"}

    configuration.go_on.set()
    with pytest.raises(ConnectionError):
        await first
    assert len(connections_of(made).registry) == 0


async def test_a_client_that_goes_while_its_offer_waits_leaves_nothing():
    configuration = SlowConfiguration()
    made = stream(server_rtc_configuration=configuration)
    waiting = asyncio.create_task(made.handle_offer(offer(), ignore))
    await configuration.asked.wait()

    waiting.cancel()
    await asyncio.wait([waiting])

    assert len(connections_of(made).registry) == 0


async def test_cleaning_up_while_an_offer_waits_does_not_give_its_place_twice():
    configuration = SlowConfiguration()
    made = stream(server_rtc_configuration=configuration)
    waiting = asyncio.create_task(made.handle_offer(offer(), ignore))
    await configuration.asked.wait()

    assert made.clean_up("me") == []
    refused = await made.handle_offer(offer(webrtc_id="b"), ignore)

    assert content(refused)["meta"]["error"] == "concurrency_limit_reached"
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_candidates_that_come_while_an_id_begins_again_are_taken():
    configuration = SlowConfiguration()
    made = stream(server_rtc_configuration=configuration)
    candidate = {"candidate": None, "type": "ice-candidate", "webrtc_id": "me"}
    connections_of(made).early.refuse_ended("me")  # a connection with the same id has just ended
    refused = await made.handle_offer(candidate, ignore)
    assert content(refused)["meta"] == {"error": "connection_closed"}

    waiting = asyncio.create_task(made.handle_offer(offer(), ignore))
    await configuration.asked.wait()
    taken = await made.handle_offer(candidate, ignore)

    assert content(taken) == {"status": "success"}
    waiting.cancel()
    await asyncio.wait([waiting])
    await made.close_sessions()


# Connections, with a session but no peer


def connect(made: Stream, webrtc_id: str) -> Session:
    return add_connection(made, webrtc_id, ("callback",))


async def test_cleaning_up_gives_the_callbacks_and_frees_the_place_at_once():
    made = stream()
    session = connect(made, "me")

    assert made.clean_up("me") == ["callback"]
    assert made.connections == made.handlers == made.additional_outputs == {}
    second = connect(made, "me")
    assert made.clean_up("unknown") == []
    await session.closed.wait()

    assert (made.connections, second.ended) == ({"me": ["callback"]}, False)
    await made.close_sessions()


async def test_a_clean_up_of_a_program_s_own_is_called_when_a_connection_ends():
    class Counting(Stream):
        ended: list[str] = []

        def clean_up(self, webrtc_id):
            self.ended.append(webrtc_id)
            super().clean_up(webrtc_id)
            raise RuntimeError("a mistake in it")

    made = Counting(Echo(), modality="audio", mode="send-receive")
    for webrtc_id in ("a", "b"):
        session = add_connection(made, webrtc_id)
        session.close("the test ends it")
        await session.closed.wait()
    assert made.ended == ["a", "b"]


async def test_cleaning_up_from_a_thread_is_left_to_the_loop():
    made = stream()
    session = connect(made, "me")

    assert await asyncio.to_thread(made.clean_up, "me") == ["callback"]
    await asyncio.wait_for(session.closed.wait(), 30)

    assert made.connections == {}


async def test_shutdown_and_reset_run_once_when_cleaned_up():
    trace = []

    class Traced(StreamHandler):
        def receive(self, frame) -> None: ...

        def emit(self) -> None: ...

        def copy(self) -> "Traced":
            return Traced()

        def shutdown(self) -> None:
            trace.append("shutdown")

        def reset(self) -> None:
            trace.append("reset")

    made = stream(Traced(), modality="audio")
    session = connect(made, "me")

    made.clean_up("me")
    made.clean_up("me")
    await session.closed.wait()

    assert trace == ["shutdown", "reset"]


async def test_inputs_reach_the_handler_of_the_connection():
    made = stream(Echo(), modality="audio")
    connect(made, "me")

    await asyncio.to_thread(made.set_input, "me", 1, "two")

    assert made.handlers["me"].latest_args == ["__webrtc_value__", 1, "two"]
    assert made.event_handler.latest_args == []
    made.set_input("unknown", 1)
    made.set_input("unknown")
    with pytest.raises(ValueError, match="args cannot be empty"):
        made.set_input("me")
    await made.close_sessions()


async def test_inputs_of_a_function_may_be_none():
    made = stream()
    connect(made, "me")

    made.set_input("me")
    made.set_input("me", None)

    await made.close_sessions()


async def test_inputs_of_the_page():
    made = stream(Echo(), modality="audio")
    connect(made, "me")
    handler = made.handlers["me"]

    made.set_input_gradio("me", "extra")
    assert handler.latest_args == ["__webrtc_value__", "me", "extra"]

    data = WebRTCData(webrtc_id="me", textbox="hello")
    made.set_input_on_submit(data, "extra")
    assert handler.latest_args == [data, "extra"]
    assert handler.args_set.is_set()
    assert handler.triggered == 1
    made.set_input_gradio("unknown", 1)
    made.set_input_on_submit("unknown")
    await made.close_sessions()


async def test_inputs_of_the_page_for_a_function():
    made = stream(lambda frame, threshold: frame)
    connect(made, "me")

    made.set_input_gradio("me", 0.3)

    assert connections_of(made).media["me"].inputs.args == (0.3,)
    await made.close_sessions()


class PeerConnection:
    closed = False

    async def close(self) -> None:
        self.closed = True


async def test_a_connection_that_is_not_established_in_time_is_closed_and_forgotten():
    made, pc = stream(), PeerConnection()
    made.pcs["me"] = pc  # type: ignore[assignment]
    made.connections["me"].append("callback")

    await made.connection_timeout(pc, "me", 0.01)

    assert pc.closed
    assert not (made.pcs or made.connections or made.connection_timeouts)


async def test_a_connection_that_is_established_in_time_stays():
    made, pc = stream(), PeerConnection()
    made.pcs["me"] = pc  # type: ignore[assignment]
    waiting = asyncio.create_task(made.connection_timeout(pc, "me", 60))
    await asyncio.sleep(0)

    made.connection_timeouts["me"].set()

    await asyncio.wait_for(waiting, 5)
    assert (pc.closed, made.pcs) == (False, {"me": pc})


async def test_a_peer_connection_is_closed_when_its_time_is_over():
    pc = PeerConnection()
    await Stream.wait_for_time_limit(pc, 0.01)
    assert pc.closed


async def test_connections_that_there_are_not_are_empty():
    made = stream()

    assert made.connections["nobody"] == []
    assert made.additional_outputs["nobody"].queue.empty()
    assert not made.connection_timeouts["nobody"].is_set()
    assert isinstance(made.relay, MediaRelay)
    assert made.relay is made.relay


async def test_a_client_is_told_to_close():
    made, sent = stream(), []
    session = connect(made, "me")
    session.outbox.open(sent.append)

    await made.update_connection("me", "closed")
    await made.update_connection(WebRTCData(webrtc_id="me"), "closed")
    await made.update_connection("unknown", "closed")

    message = {"type": "update_connection", "data": "closed"}
    assert [json.loads(text) for text in sent] == [message, message]
    await made.close_sessions()


# Outputs


async def read(made: Stream, webrtc_id: str) -> list[Any]:
    return [outputs.args[0] async for outputs in made.output_stream(webrtc_id)]


async def test_outputs_may_be_read_before_the_connection_is_there_and_end_with_it():
    made = stream()
    reading = asyncio.create_task(read(made, "me"))
    await asyncio.sleep(0)
    session = connect(made, "me")

    session.deliver(AdditionalOutputs(1))
    session.deliver(AdditionalOutputs(2))
    made.clean_up("me")

    assert await asyncio.wait_for(reading, 30) == [1, 2]
    assert made.additional_outputs == {}


async def test_reading_ends_when_no_connection_comes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(output_readers, "NO_SESSION_TIMEOUT_S", 0.01)
    made = stream()

    both = asyncio.gather(read(made, "me"), read(made, "me"))
    assert await asyncio.wait_for(both, 30) == [[], []]
    assert made.additional_outputs == {}
    with pytest.raises(LookupError, match="'me' has ended or was not established"):
        await made.fetch_latest_output("me")


async def test_a_reader_that_gives_up_leaves_nothing_behind():
    made = stream()
    reading = asyncio.create_task(read(made, "me"))
    await asyncio.sleep(0)
    assert "me" in made.additional_outputs

    reading.cancel()
    await asyncio.wait([reading])

    assert made.additional_outputs == {}


async def test_a_reader_that_gives_up_does_not_end_another():
    made = stream()
    first, second = (asyncio.create_task(read(made, "me")) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.wait([first])
    session = connect(made, "me")
    session.deliver(AdditionalOutputs(1))
    made.clean_up("me")

    assert await asyncio.wait_for(second, 30) == [1]


async def test_the_latest_output_is_waited_for():
    made = stream()
    session = connect(made, "me")
    fetching = asyncio.create_task(made.fetch_latest_output("me"))
    await asyncio.sleep(0)

    session.deliver(AdditionalOutputs("a", "b"))

    assert (await asyncio.wait_for(fetching, 30)).args == ("a", "b")
    session.deliver(AdditionalOutputs("c"))
    assert (await made.fetch_latest_output("me")).args == ("c",)
    await made.close_sessions()


async def test_outputs_that_come_after_the_end_leave_nothing_behind():
    made = stream()
    session = connect(made, "me")
    made.clean_up("me")

    session.deliver(AdditionalOutputs("late"))

    assert made.additional_outputs == {}
    await session.closed.wait()


async def test_readers_without_a_connection_are_let_go_when_the_server_stops():
    made = stream()
    reading = asyncio.create_task(read(made, "me"))
    await asyncio.sleep(0)

    await made.close_sessions()

    assert await asyncio.wait_for(reading, 30) == []


SERVER = """
import numpy as np, uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastrtc import Stream

stream = Stream(lambda frame: frame, verbose=False)
app = FastAPI()
stream.mount(app)

@app.get("/outputs")
async def outputs():
    async def lines():
        yield "begins"
        async for output in stream.output_stream("nobody"):
            yield str(output.args)
        yield "ends"
    return StreamingResponse(lines())

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)

try:
    Server(uvicorn.Config(app, port=0, log_level="warning")).run()
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_page_that_reads_outputs_does_not_keep_the_server_from_stopping():
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with httpx.stream("GET", f"http://127.0.0.1:{port}/outputs", timeout=20) as response:
            lines = response.iter_text()
            assert next(lines) == "begins"
            process.send_signal(signal.SIGINT)
            assert list(lines) == ["ends"]
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()

    assert (out.strip(), err) == ("interrupted", "")


def test_a_voice_is_a_text_to_speech_model():
    with pytest.raises(ValueError, match="voice must be a text-to-speech model.*not 'kokoro'"):
        Stream(lambda frame: frame, voice="kokoro")  # type: ignore[arg-type]
