"""When the page of a stream is built, and what `launch` and `mount` make of it.

A `gr.Blocks` that is made without a running loop leaves loops behind, so these tests are async.
"""

import asyncio
import os
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI

import fastrtc
from fastrtc import Ice, Stream, WebRTC
from tests.support.connections import connections_of
from tests.support.peers import Client, VideoSource
from tests.support.ports import free_port

NO_SERVERS = {"iceServers": []}


def flip(frame, *values):
    return frame[::-1]


def stream(**options: Any) -> Stream:
    options = {"rtc_configuration": NO_SERVERS, "server_rtc_configuration": NO_SERVERS} | options
    return Stream(flip, verbose=False, **options)


async def test_a_page_is_built_once():
    made = stream()
    assert connections_of(made).endpoint.page.component is None
    component = made.webrtc_component
    assert made.ui is made._ui is made.ui
    assert made.webrtc_component is component


async def test_a_page_is_built_once_by_two_threads():
    made = stream()
    pages: list[Any] = []
    both = threading.Barrier(2)

    async def ask() -> None:
        both.wait()
        pages.append(made.ui)

    threads = [threading.Thread(target=asyncio.run, args=(ask(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert pages[0] is pages[1]


async def test_a_page_does_not_become_part_of_the_callers():
    made = stream()
    with gr.Blocks() as page:
        button = gr.Button()
        assert not set(made.ui.blocks) & set(page.blocks)
        label = gr.Label()
    assert {button._id, label._id} <= set(page.blocks)


async def test_a_page_can_be_replaced():
    made = stream()
    with gr.Blocks() as page:
        pass
    made.ui = page
    assert made.ui is made._ui is page
    assert isinstance(made.webrtc_component, WebRTC)
    assert made.ui is page


class OwnPage(Stream):
    def _generate_default_ui(self, ui_args=None):
        with gr.Blocks(title=(ui_args or {}).get("title", "")) as page:
            self.webrtc_component = WebRTC(modality=self.modality, mode=self.mode)
        return page


async def test_a_page_of_a_subclass_is_built_at_construction():
    made = OwnPage(flip, ui_args={"title": "Own"})
    assert connections_of(made).endpoint.page.component is made.webrtc_component
    assert made.ui.title == "Own"
    assert made.webrtc_component._id in made.ui.blocks


async def test_a_page_of_a_subclass_may_extend_the_default_one():
    class More(Stream):
        def _generate_default_ui(self, ui_args=None):
            page = super()._generate_default_ui(ui_args)
            with page:
                self.note = gr.Markdown("more")
            return page

    made = More(flip)
    assert {made.note._id, made.webrtc_component._id} <= set(made.ui.blocks)


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"ui_args": {"title": 1}}, "title of ui_args"),
        ({"additional_inputs": gr.Slider}, "additional_inputs must be a list of components"),
        ({"additional_outputs": ["text"]}, "additional_outputs must be a list of components"),
    ],
)
def test_mistakes_are_told_before_the_page_is_asked_for(options: dict, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        stream(**options)


async def test_connections_of_the_page_end_with_the_app():
    made, app = stream(), FastAPI()
    made.mount(app)
    async with app.router.lifespan_context(app):
        async with Client(made.webrtc_component, video=VideoSource()) as client:
            assert client.webrtc_id in made.webrtc_component.pcs
            assert client.webrtc_id not in made.pcs
            await made.close_sessions("Enough")
            await client.over()
            assert not made.webrtc_component.pcs


@pytest.mark.parametrize("place", ["SPACE_ID", "COLAB_RELEASE_TAG"])
async def test_launch_where_clients_cannot_reach_the_server(
    place: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gr.Blocks, "launch", lambda page, **options: options)
    monkeypatch.setenv(place, "x")
    options = stream(rtc_configuration=None).ui.launch(quiet=True)
    assert options["quiet"] is True
    with pytest.raises(RuntimeError, match="pass an rtc_configuration"):
        async with options["app_kwargs"]["lifespan"](FastAPI()):
            pass


async def test_launch_raises_an_error_if_the_port_of_connections_is_in_use(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(gr.Blocks, "launch", lambda page, **options: options)
    number = free_port()
    made = stream(ice=Ice(udp_port=number))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", number))
        with pytest.raises(OSError, match=f"UDP port {number} cannot be opened"):
            made.ui.launch(quiet=True)
    options = made.ui.launch(quiet=True)
    async with options["app_kwargs"]["lifespan"](FastAPI()):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
            with pytest.raises(OSError):
                late.bind(("127.0.0.1", number))


LAUNCH = """
    import os, signal, threading
    from contextlib import asynccontextmanager
    import httpx
    from fastrtc import Stream

    @asynccontextmanager
    async def lifespan(app):
        print("begins", flush=True)
        yield {}
        print("ends", flush=True)

    stream = Stream(
        lambda frame: frame,
        rtc_configuration={"iceServers": []},
        allowed_hosts=["allowed.example"],
        frame_ancestors=["https://www.example.org"],
    )
    app, url, _ = stream.ui.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True,
        app_kwargs={"lifespan": lifespan, "title": "Of the caller"},
    )
    print(app.title, flush=True)
    hosts = [None, "localhost:1", "evil.example", "allowed.example"]
    headers = [{} if host is None else {"Host": host} for host in hosts]
    print([httpx.get(f"{url}config", headers=one).status_code for one in headers], flush=True)
    print(httpx.get(url).headers["content-security-policy"], flush=True)
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    stream.ui.block_thread()
"""


def test_launch_keeps_what_the_caller_gave_and_ends_with_ctrl_c():
    path = os.pathsep.join([str(Path(fastrtc.__file__).parents[1]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LAUNCH)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=100,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert "video stream (send-receive) is ready" in lines[0]
    assert lines[1:3] == ["begins", "Of the caller"]
    assert lines[3] == "[200, 200, 403, 200]"
    assert lines[4] == "frame-ancestors 'self' https://www.example.org"
    assert "ends" in lines[5:]
