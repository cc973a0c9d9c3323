"""`fastrtc doctor --connect URL`, against real servers on 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse

from fastrtc import AsyncStreamHandler, Ice, Limits, Stream
from fastrtc.cli import connect, main
from fastrtc.cli.arguments import InvalidArgument, parse_headers
from fastrtc.client import signaling
from fastrtc.client.errors import refused
from fastrtc.client.signaling import is_answer, modality_in, page_url
from tests.support.connections import connections_of
from tests.support.peers import LOCAL
from tests.support.ports import free_port
from tests.support.servers import serving
from tests.webrtc.handlers import AsyncAudioEcho, AsyncAudioVideoEcho, flip


class Silent(AsyncStreamHandler):
    """Takes audio, and never has any."""

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> None:
        return None

    def copy(self) -> Silent:
        return Silent()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "MEDIA_TIMEOUT_S", 20.0)


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(url: str, *options: str) -> tuple[int, str]:
        status = main(["doctor", "--connect", url, *options])
        printed = capsys.readouterr()
        return status, printed.out

    return run


def stream_of(handler: Any = None, **options: Any) -> Stream:
    options = {"modality": "audio", "server_rtc_configuration": LOCAL, "verbose": False, **options}
    return Stream(handler or AsyncAudioEcho(), **options)


def app_of(stream: Stream, path: str = "") -> FastAPI:
    app = FastAPI()
    stream.mount(app, path)
    return app


def wait_until_free(stream: Stream) -> None:
    deadline = time.monotonic() + 20
    while len(connections_of(stream).registry):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_mounted_stream(doctor: Callable[..., tuple[int, str]]) -> None:
    stream = stream_of()
    with serving(app_of(stream)) as url:
        status, printed = doctor(url)
        wait_until_free(stream)  # it has closed its connection
    lines = [line.split(maxsplit=2) for line in printed.splitlines()[:-2]]
    names = [name for _, name, *_ in lines]
    assert status == 0 and printed.endswith("\nNothing wrong.\n")
    assert {state for state, *_ in lines} == {"ok"}
    assert names[0] == "offer" and names[-3:] == ["connection", "round", "media"]
    assert {"server", "client", "check"} <= set(names)
    assert f"{url}/webrtc/offer answers audio in" in printed
    assert "answered; selected" in printed and "connected in" in printed
    assert "audio arrives" in printed


@pytest.mark.parametrize(
    ("handler", "options", "says"),
    [
        (flip, {"modality": "video"}, ["answers video in", "video arrives"]),
        (
            AsyncAudioVideoEcho(),
            {"modality": "audio-video"},
            ["answers audio and video in", "audio arrives", "video arrives"],
        ),
        (flip, {"modality": "video", "mode": "send"}, ["the stream sends none (mode 'send')"]),
    ],
)
def test_other_modalities(
    handler: Any, options: Any, says: list[str], doctor: Callable[..., tuple[int, str]]
) -> None:
    with serving(app_of(stream_of(handler, **options))) as url:
        status, printed = doctor(url)
    assert status == 0 and all(text in printed for text in says), printed


def test_a_handler_that_says_nothing(
    doctor: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "MEDIA_TIMEOUT_S", 0.5)
    with serving(app_of(stream_of(Silent()))) as url:
        status, printed = doctor(url)
    assert status == 0
    assert "audio arrives" in printed or "only replies to speech" in printed


def test_a_page(doctor: Callable[..., tuple[int, str]]) -> None:
    """The page has a route of its own, and TURN servers for its client."""
    asked = []

    def configuration() -> dict[str, Any]:
        asked.append(True)
        return {"iceServers": [{"urls": "stun:127.0.0.1:9"}]}

    stream = stream_of(rtc_configuration=configuration)

    async def build() -> FastAPI:  # Gradio leaves an event loop open where there is none
        return gr.mount_gradio_app(FastAPI(), stream.ui, path="/talk")

    with serving(asyncio.run(build())) as url:
        status, printed = doctor(f"{url}/talk/")
        elsewhere = doctor(url)
    assert status == 0 and asked, printed
    assert "/talk/gradio_api/component_server/ answers audio" in printed
    assert elsewhere[0] == 1 and "there is no stream at" in elsewhere[1]


def test_a_stream_at_another_path_is_found(doctor: Callable[..., tuple[int, str]]) -> None:
    app = app_of(stream_of(), "/talk")

    @app.post("/moved/webrtc/offer")
    def moved() -> RedirectResponse:
        return RedirectResponse("/talk/webrtc/offer", 301)

    with serving(app) as url:
        status, printed = doctor(url)
        moved_to = doctor(f"{url}/moved")
        direct = doctor(f"{url.replace('http', 'ws')}/talk/websocket/offer?x=1")
    assert (status, moved_to[0], direct[0]) == (0, 0, 0)
    assert "note   stream" in printed and "the stream is at /talk/webrtc/offer, one of" in printed
    assert f"{url}/talk/webrtc/offer answers audio" in moved_to[1]
    assert "note" not in direct[1]


def test_udp_that_does_not_arrive_is_explained(
    doctor: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "CONNECT_TIMEOUT_S", 1.0)
    # only its announced address could be reached, and is not
    ice = Ice(public_ip=["192.0.2.77", "2001:db8::77"], udp_port=free_port())
    private = Limits(private_candidates=False)
    stream = stream_of(ice=ice, limits=private, concurrency_limit=2)
    with serving(app_of(stream)) as url:
        status, printed = doctor(url)
        failed, as_json = doctor(url, "--json")
    assert status == failed == 1
    assert f"host udp 192.0.2.77:{ice.udp_port}" in printed
    assert f"-> 192.0.2.77:{ice.udp_port}: no answer so far" in printed
    assert "not connected within 1.0 s: no packet arrives between the client" in printed
    assert f"Let UDP packets to 192.0.2.77:{ice.udp_port}" in printed
    assert 'print(stream.diagnose("doctor-' in printed and printed.endswith("\n1 wrong.\n")
    findings = json.loads(as_json)
    (connection,) = [one for one in findings if one["state"] == "wrong"]
    assert connection["name"] == "connection" and "no packet arrives" in connection["detail"]


def test_without_udp_a_port_for_tcp_is_tried(
    doctor: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "CONNECT_TIMEOUT_S", 1.0)
    monkeypatch.setattr(connect, "TCP_TIMEOUT_S", 1.0)
    ice, private = Ice(tcp_port=free_port()), Limits(private_candidates=False)
    elsewhere = replace(ice, public_ip=["192.0.2.77", "2001:db8::77"])
    stream = stream_of(ice=ice, limits=private, concurrency_limit=2)
    with serving(app_of(stream)) as url:
        status, printed = doctor(url)
        stream.ice = elsewhere
        closed, closed_too = doctor(url)
    assert (status, closed) == (0, 1)
    assert "note   connection" in printed and f":{ice.tcp_port} (used by browsers)" in printed
    assert "over UDP. Browsers can connect over TCP: " in printed
    assert f":{ice.tcp_port} is open" in printed
    assert "WRONG  connection" in closed_too and f"Open TCP port {ice.tcp_port}, too." in closed_too


def test_a_stream_in_use(doctor: Callable[..., tuple[int, str]]) -> None:
    stream = stream_of()
    stream.concurrency_limit = 0
    with serving(app_of(stream)) as url:
        status, printed = doctor(url)
    assert status == 1
    assert "concurrency_limit_reached (limit 0)" in printed and "raise concurrency_limit" in printed


def test_a_port_that_is_taken(doctor: Callable[..., tuple[int, str]]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = taken.getsockname()[1]
        stream = stream_of()
        with serving(app_of(stream)) as url:
            httpx.get(url)  # it has started, with other ports
            stream.ice = Ice(udp_port=port)
            status, printed = doctor(url)
    assert status == 1
    assert "port_unavailable" in printed and str(port) in printed
    assert "End the other process that uses the port" in printed


def test_authorization(doctor: Callable[..., tuple[int, str]]) -> None:
    def authorize(request: Request) -> str | None:
        known = request.headers.get("authorization") == "Bearer secret"
        return None if known else "who are you?"

    with serving(app_of(stream_of(authorize=authorize))) as url:
        refused, why = doctor(url)
        accepted, _ = doctor(url, "--header", "Authorization: Bearer secret")
    assert (refused, accepted) == (1, 0)
    assert "unauthorized (who are you?)" in why
    assert "--header 'Authorization: Bearer TOKEN'" in why


@pytest.fixture
def others() -> Iterator[str]:
    """A server with everything but a stream."""
    app = FastAPI(openapi_url=None)

    def answering(path: str, status: int, body: str) -> None:
        @app.post(f"/{path}/webrtc/offer")
        def answer() -> PlainTextResponse:
            return PlainTextResponse(body, status)

    answering("login", 401, "")
    answering("broken", 500, "")
    answering("text", 200, "hello")
    answering("json", 200, '{"hello": 1}')
    answering("list", 200, "[]")
    answering("odd", 200, '{"sdp": "v=0", "type": "answer"}')
    answering("teapot", 418, "{}")

    @app.post("/loop/webrtc/offer")
    def loop() -> RedirectResponse:
        return RedirectResponse("/loop/webrtc/offer", 307)

    @app.get("/page/config")
    def config() -> dict[str, Any]:
        return {"components": [{"id": 1, "type": "textbox"}]}

    @app.post("/slow/webrtc/offer")
    def slow() -> None:
        time.sleep(1)

    with serving(app) as url:
        yield url


@pytest.mark.parametrize(
    ("path", "says", "advice"),
    [
        ("", "there is no stream at", "stream.mount(app, path=...)"),
        ("/login", "401 Unauthorized", "--header"),
        ("/broken", "500 Internal Server Error", "log of the server"),
        ("/text", "does not answer offers: 200", "not a server of fastrtc"),
        ("/list", "does not answer offers: 200", "not a server of fastrtc"),
        ("/json", "the server answered {'hello': 1}", "not a server of fastrtc"),
        ("/odd", "the answer cannot be used", ""),
        ("/teapot", "418", "not a server of fastrtc"),
        ("/loop", "307", "not a server of fastrtc"),
        ("/page", "a Gradio page without a WebRTC component", "the page that has the stream"),
        ("/slow", "no response from", "firewall"),
    ],
)
def test_what_is_no_stream(
    path: str,
    says: str,
    advice: str,
    others: str,
    doctor: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if path == "/slow":
        monkeypatch.setattr(signaling, "ANSWER_TIMEOUT_S", 0.2)
    status, printed = doctor(others + path)
    assert status == 1
    assert says in printed and advice in printed


def test_where_nothing_listens(doctor: Callable[..., tuple[int, str]], others: str) -> None:
    status, printed = doctor(f"127.0.0.1:{free_port()}")
    assert status == 1 and "cannot be reached" in printed and "reachable from its own" in printed
    status, printed = doctor("http://no-such-host.invalid")
    assert status == 1 and "cannot be resolved" in printed
    status, printed = doctor(others.replace("http", "https"))
    assert status == 1 and "TLS with https://" in printed and "SSL_CERT_FILE" in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ["--connect", "ftp://127.0.0.1"],
        ["--connect", "http://"],
        ["--connect", "http://127.0.0.1:port"],
        ["--connect", "http://a..example"],
        ["--connect", "127.0.0.1", "--header", "no colon"],
        ["--connect", "127.0.0.1", "--header", "two words: x"],
        ["--connect", "127.0.0.1", "--header", "name: ü"],
    ],
)
def test_arguments_that_are_none(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("fastrtc doctor: --") and not printed.out


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("localhost:7860", "http://localhost:7860"),
        ("https://x.example/talk/?a=1#b", "https://x.example/talk"),
        ("wss://x.example/talk/websocket/offer", "https://x.example/talk"),
        ("ws://[::1]:8000", "http://[::1]:8000"),
        ("http://x/webrtc/offer", "http://x/webrtc/offer"),
    ],
)
def test_urls(given: str, url: str) -> None:
    assert page_url(given) == url


def test_headers() -> None:
    given = ["Authorization: Bearer a:b", "X-Empty:"]
    assert parse_headers(given) == {"Authorization": "Bearer a:b", "X-Empty": ""}
    with pytest.raises(InvalidArgument):
        parse_headers([": value"])


def test_refusals() -> None:
    assert is_answer({"sdp": "v=0", "type": "answer"})
    error = refused({"status": "failed", "meta": {"error": "no_such_code"}})
    assert str(error).endswith("no_such_code") and error.advice == ""
    assert modality_in("Unsupported track kind video: the stream's modality is audio") == ["audio"]
    both = "Unsupported track kind video: the stream's modality is audio-video"
    assert modality_in(both) == ["audio", "video"]
    assert modality_in("the stream's modality is ") == []
    assert modality_in("concurrency_limit_reached") == []
