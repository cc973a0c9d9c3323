"""What a `Stream` and the component hold: one object, under one name."""

from __future__ import annotations

import ast
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient

import fastrtc
from fastrtc import Cluster, Ice, Limits, Stream, WebRTC
from fastrtc.server.attachment import NAME
from fastrtc.server.endpoint import endpoint_of
from fastrtc.webrtc_connection_mixin import WebRTCConnectionMixin
from tests.support.connections import assert_nothing_left, connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho

SOURCES = Path(fastrtc.__file__).parent

OF_FASTRTC = {
    "_check_colab_or_spaces",
    "_generate_default_ui",
    "_inject_startup_message",
    "_ui",
}
"""Private names of FastRTC's own ``Stream``, which programs override or use."""


def private_names(value: Any) -> set[str]:
    names = {*dir(type(value)), *vars(value)} - {*dir(object), "__dict__", "__weakref__"}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


async def test_a_stream_has_no_private_names_but_those_of_fastrtc():
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False)

    assert private_names(stream) == OF_FASTRTC
    assert NAME in vars(stream)


WORDS = """
authorize authorization calls candidates channel clients close closing connect connection
connections connecting context data early end endpoint ending expected_calls fetch forget
handler handlers has_voice held limits link lobby local loop media output_queue outputs page
peer peers phone_providers places policy queue refusal_of registries registry release relay
remember reserve reserved server session sessions shutdown site_policy socket_handler start
stop stopping take_call take_candidate take_offer take_socket tables telephone tracks
transport ui_args users
""".split()


async def test_a_subclass_may_have_attributes_and_methods_of_any_name():
    class Own(Stream):
        def __init__(self, *args: Any, **options: Any) -> None:
            for word in WORDS:
                setattr(self, f"_{word}", None)
            super().__init__(*args, **options)
            for word in WORDS:
                setattr(self, f"_{word}", None)

    stream = Own(AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL, verbose=False)
    app = FastAPI()
    stream.mount(app)
    assert stream.webrtc_component is not None
    async with stream._inject_startup_message()(app):
        async with Client(stream, audio=AudioSource(tone(5))) as client:
            await eventually(lambda: len(client.loud()) >= 5)
            stream.set_input(client.webrtc_id, 1)
            await stream.update_connection(client.webrtc_id, "closed")
        reader = stream.output_stream("nobody")
        await stream.close_sessions()
        await reader.aclose()
    await eventually(lambda: not len(connections_of(stream).registry._closing))
    assert_nothing_left(stream)
    with TestClient(app) as http, http.websocket_connect("/websocket/offer") as socket:
        socket.send_json({"event": "start", "websocket_id": "me"})
        socket.send_json({"event": "ping"})
        assert socket.receive_json()
        socket.send_json({"event": "stop"})
    assert all(getattr(stream, f"_{word}") is None for word in WORDS)


async def test_what_a_stream_says_later_acts_on_its_page_too():
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False)
    page = stream.webrtc_component
    body = {"type": "offer", "sdp": "", "webrtc_id": "me"}

    stream.authorize = lambda request: "Not today."
    stream.limits = Limits(offer_bytes=100)
    stream.allowed_origins = ["https://app.example.org"]
    stream.frame_ancestors = []

    request = WebSocket({"type": "websocket", "headers": [], "path": "/"}, None, None)
    refused = await page.offer(body, request)
    assert refused["meta"] == {"error": "unauthorized", "reason": "Not today."}
    assert page.limits.offer_bytes == 100
    assert (page.allowed_origins, page.frame_ancestors) == (["https://app.example.org"], [])
    app = FastAPI()
    stream.mount(app)
    with TestClient(app) as http:
        answer = http.post("/webrtc/offer", json=body)
    assert answer.json()["meta"]["reason"] == "Not today."


async def test_a_component_may_say_something_else_than_its_stream():
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False)
    limits = Limits(candidates=1)

    stream.webrtc_component.limits = limits

    assert stream.webrtc_component.limits is limits and stream.limits is not limits


async def test_a_page_of_ones_own_has_the_defaults_until_it_says_something_else():
    with gr.Blocks():
        component = WebRTC(modality="audio", mode="send-receive")
    assert component.authorize is None and component.limits == Limits()

    component.authorize = bool

    assert component.authorize is bool


def test_a_class_without_its_base_s_init_is_told_so():
    class Forgetful(WebRTCConnectionMixin):
        def __init__(self) -> None:
            pass

    with pytest.raises(RuntimeError, match=r"Forgetful.__init__\(\) must call super"):
        endpoint_of(Forgetful())


def test_no_module_reads_another_object_s_private_name():
    """In `server/` and the faces; `_name` of `self`, `cls` and modules is one's own."""
    files = [*SOURCES.glob("server/**/*.py")]
    faces = ("stream", "webrtc", "webrtc_connection_mixin", "ui/component", "ui/inputs")
    files += [SOURCES / f"{name}.py" for name in faces]
    found = []
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
                continue
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            of_super = isinstance(node.value, ast.Call) and ast.unparse(node.value) == "super()"
            if not (own or of_super or node.attr.startswith("__") or node.attr in OF_FASTRTC):
                found.append(f"{file.relative_to(SOURCES)}:{node.lineno} {ast.unparse(node)}")
    assert not found


def test_the_environment_is_read_for_a_stream_and_for_a_component(monkeypatch):
    monkeypatch.setenv("FASTRTC_UDP_PORT", "40000-40100")
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False)
    for owner in (stream, WebRTC()):
        assert endpoint_of(owner).ports.ice.udp_ports == (40000, 40100)
        owner.ice = Ice(udp_port=40200)
        assert endpoint_of(owner).ports.ice == Ice(udp_port=40200)


def test_an_invalid_environment_variable_is_an_error_of_the_stream(monkeypatch):
    monkeypatch.setenv("FASTRTC_UDP_PORT", "any")
    with pytest.raises(ValueError, match="FASTRTC_UDP_PORT='any'"):
        Stream(AsyncAudioEcho(), modality="audio", verbose=False)


def test_threads_that_ask_at_once_get_the_same_membership_and_ports():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            for _ in range(20):
                stream = Stream(AsyncAudioEcho(), modality="audio", cluster=Cluster("sqlite:///x"))
                endpoint, begin = endpoint_of(stream), Barrier(4)

                def ask(endpoint: Any = endpoint, begin: Barrier = begin) -> tuple[Any, Any]:
                    begin.wait()
                    return endpoint.cluster, endpoint.ports

                asked = [one.result() for one in [threads.submit(ask) for _ in range(4)]]
                assert len({id(cluster) for cluster, _ in asked}) == 1
                assert len({id(ports) for _, ports in asked}) == 1
    finally:
        sys.setswitchinterval(interval)
