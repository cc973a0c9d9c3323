"""`WebRTC`: its arguments, events and values, and what it answers a page.

A `gr.Blocks` that is made without a running loop leaves loops behind, so the tests that make one
are async.
"""

import asyncio
import json
import logging
import os
import re
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from fastapi import FastAPI, Request

from fastrtc import AdditionalOutputs, Limits, ReplyOnPause, Stream, WebRTC, WebRTCData
from fastrtc.session.session import State
from fastrtc.ui.value import START
from fastrtc.webrtc import EVENTS
from tests.support.connections import connections_of
from tests.support.peers import AudioSource, Client, VideoSource, eventually
from tests.webrtc.handlers import AsyncAudioEcho

NO_SERVERS = {"iceServers": []}


def flip(frame, *values):
    return frame[::-1]


def component(handler: Any = flip, inputs: Any = (), **options: Any) -> WebRTC:
    """A component in a page of its own, with its stream."""
    stream = {
        name: options.pop(name)
        for name in ("concurrency_limit", "concurrency_id", "time_limit", "trigger", "outputs")
        if name in options
    }
    with gr.Blocks() as page:
        made = WebRTC(**{"server_rtc_configuration": NO_SERVERS} | options)
        for one in inputs:
            one.render()
        made.stream(handler, [made, *inputs], **stream)
    assert made.parent is page
    return made


def asked(answer: Any) -> Any:
    return answer if isinstance(answer, dict) else json.loads(answer.body)


# Arguments


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"modality": "sound"}, "Modality must be"),
        ({"mode": "both"}, "mode must be"),
        ({"variant": "textbox"}, "variant='textbox' is for audio"),
        ({"time_limit": 0}, "time_limit must be a positive number"),
        ({"rtp_params": []}, "rtp_params must be a dict"),
        ({"track_constraints": "hd"}, "track_constraints must be a dict"),
        ({"button_labels": {"go": "Go"}}, "button_labels may have 'start', 'stop' and 'waiting'"),
        ({"rtc_configuration": {"iceServers": [{}]}}, "rtc_configuration must be"),
        ({"server_rtc_configuration": 3}, "server_rtc_configuration must be"),
    ],
)
def test_a_wrong_argument_is_named(options: dict, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        WebRTC(**options)


@pytest.mark.parametrize(
    "made, call, complaint",
    [
        ({"modality": "audio"}, {"fn": flip}, "handler for modality='audio'"),
        ({}, {"send_input_on": "blur"}, "send_input_on must be 'change' or 'submit'"),
        ({}, {"concurrency_limit": 0}, "concurrency_limit must be"),
        ({}, {"time_limit": -1}, "time_limit must be"),
        ({}, {"trigger": lambda: None}, "trigger is for mode='receive'"),
        ({}, {"inputs": [gr.State()]}, "must begin with the WebRTC component"),
        ({"mode": "receive"}, {"inputs": ["slider"]}, "inputs must be components, not 'slider'"),
    ],
)
async def test_a_wrong_argument_of_stream_is_named(made: dict, call: dict, complaint: str):
    with gr.Blocks():
        stream = WebRTC(**made)
        with pytest.raises(ValueError, match=complaint):
            stream.stream(**{"fn": flip, "inputs": [stream]} | call)


async def test_the_page_gets_to_know_what_it_needs(tmp_path: Path):
    (tmp_path / "phone.svg").write_bytes(b"<svg/>")
    made = component(
        AsyncAudioEcho(),
        modality="audio",
        icon=str(tmp_path / "phone.svg"),
        icon_radius=30,
        rtc_configuration=lambda: {"iceServers": [{"urls": "turn:x", "credential": "secret"}]},
        server_rtc_configuration={
            "iceServers": [{"urls": "turn:y", "username": "u", "credential": "secret"}]
        },
    )
    config = made.get_config()
    assert config["rtc_configuration"] is None
    assert config["icon"].startswith("data:image/svg+xml;base64,")
    assert config["icon_radius"] == "30%"
    assert config["track_constraints"]["channelCount"] == {"exact": 1}
    assert set(config["server_fns"]) == {"offer", "turn", "websocket", "quit_output_stream"}
    assert "secret" not in json.dumps(config)
    json.dumps(made.parent.get_config_file())


# Events


async def test_events_may_be_listened_to():
    with gr.Blocks() as page:
        made = WebRTC()
        for name in EVENTS:
            getattr(made, name)(lambda: None)
    assert [fn.targets for fn in page.fns.values()] == [[(made._id, name)] for name in EVENTS]


async def test_a_trigger_sets_the_value_that_starts():
    with gr.Blocks() as page:
        button, made = gr.Button(), WebRTC(mode="receive")
        event = made.stream(flip, outputs=[made], trigger=button.click)
        assert event is not None
        event.then(lambda: None)
    started = [fn for fn in page.fns.values() if fn.targets == [(button._id, "click")]]
    assert [fn.fn() for fn in started] == [START]
    assert started[0].outputs == [made]


async def test_without_a_trigger_the_event_may_be_continued_too():
    with gr.Blocks():
        made = WebRTC()
        made.stream(flip, inputs=[made], outputs=[made]).then(lambda: None)


async def test_other_outputs_are_ignored(caplog):
    with gr.Blocks():
        made, other = WebRTC(), gr.Textbox()
        made.stream(flip, inputs=[made], outputs=[made, other])
    assert made.event_handler is flip
    assert "others are ignored: yield AdditionalOutputs" in caplog.text


async def test_without_its_icon_there_are_waves():
    with pytest.warns(UserWarning, match="neither a URL nor an existing file: 'none.svg'"):
        made = WebRTC(modality="audio", icon="none.svg")
    assert made.icon is None


async def test_stream_is_a_decorator_too():
    with gr.Blocks():
        made = WebRTC()

        @made.stream(inputs=[made], time_limit=3)
        def mirror(frame):
            return frame

    assert made.event_handler is mirror
    assert made.time_limit == 3


# Values


def test_the_value_is_the_id():
    made = WebRTC()
    assert made.preprocess("abc") == "abc"
    assert made.preprocess(None) is None
    assert made.preprocess("") is None
    assert made.postprocess(START) == START


@pytest.mark.parametrize(
    ("root", "wave", "textbox"),
    [
        ("abc", "abc", WebRTCData(webrtc_id="abc")),
        (
            {"webrtc_id": "abc", "textbox": "hello"},
            "abc",
            WebRTCData(webrtc_id="abc", textbox="hello"),
        ),
        ({"webrtc_id": None, "textbox": "hello"}, None, None),
        (None, None, None),
    ],
)
def test_the_value_comes_as_gradio_passes_it(root, wave, textbox):
    value = WebRTC.data_model(root=root)

    assert WebRTC(modality="audio").preprocess(value) == wave
    assert WebRTC(modality="audio", variant="textbox").preprocess(value) == textbox


def test_the_value_of_the_textbox_has_the_text():
    made = WebRTC(modality="audio", variant="textbox")
    given = made.preprocess({"webrtc_id": "abc", "textbox": "hello"})
    assert given == WebRTCData(webrtc_id="abc", textbox="hello")
    assert made.preprocess("abc") == WebRTCData(webrtc_id="abc")
    assert made.preprocess(None) is None
    assert made.preprocess({"webrtc_id": None, "textbox": ""}) is None
    assert made.postprocess(given) == {"webrtc_id": "abc", "textbox": "hello"}


def test_examples_fit():
    made = WebRTC()
    assert made.preprocess(made.example_payload())
    assert made.postprocess(made.example_value()) == START
    assert made.api_info() == {"type": "string"}


# What the page asks for


async def test_a_connection_through_the_server_functions():
    made = component()
    client = Client(made, video=VideoSource())
    answer = asked(await made.offer(await client.offer()))
    await client.take(answer)
    await client.state("connected")
    assert made.handlers[client.webrtc_id] is flip
    mid = client.candidates()[0]
    candidate = {"candidate": mid[0], "sdpMid": mid[1], "sdpMLineIndex": mid[2]}
    body = {"candidate": candidate, "type": "ice-candidate", "webrtc_id": client.webrtc_id}
    assert asked(await made.offer(body)) == {"status": "success"}
    other = {**await client.offer(), "webrtc_id": "other"}
    refusal = {"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": 1}}
    assert asked(await made.offer(other)) == refusal
    await client.close()
    await client.over()


@pytest.mark.parametrize(
    "body, reason",
    [
        (None, "must be an object"),
        ({"sdp": "v=0"}, "must be an object with a webrtc_id"),
        ({"sdp": "nonsense", "type": "offer", "webrtc_id": "a"}, "SDP|sdp|offer"),
        ({"sdp": "v=0", "type": "offer", "webrtc_id": 7}, "webrtc_id must be a string"),
    ],
)
async def test_an_invalid_offer_is_refused_with_the_reason(body: Any, reason: str):
    answer = asked(await component().offer(body))
    assert answer["status"] == "failed"
    assert re.search(reason, answer["meta"]["error"]), answer


async def test_authorize_is_asked_about_the_pages_requests():
    asked_about = []

    async def authorize(request):
        asked_about.append(request)
        return request.headers.get("x-user") == "ada" or "Log in first."

    credentials = {"iceServers": [{"urls": "turn:secret"}]}
    made = component(rtc_configuration=credentials)
    made.authorize = authorize
    app = gr.mount_gradio_app(FastAPI(), made.parent, path="/ui")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:

        async def call(name: str, **headers: str) -> Any:
            body = {
                "component_id": made._id,
                "fn_name": name,
                "session_hash": "a",
                "data": {"candidate": None, "type": "ice-candidate", "webrtc_id": "me"},
            }
            path = "/ui/gradio_api/component_server"
            return (await http.post(path, json=body, headers=headers)).json()

        refusal = {"status": "failed", "meta": {"error": "unauthorized", "reason": "Log in first."}}
        assert await call("offer") == refusal
        assert await call("turn") is None
        for page in ("/ui/", "/ui/config"):
            assert "turn:secret" not in (await http.get(page)).text
        assert await call("turn", **{"x-user": "ada"}) == credentials
        assert await call("offer", **{"x-user": "ada"}) == {"status": "success"}
    assert len(asked_about) == 4 and all(isinstance(one, Request) for one in asked_about)
    await made.close_sessions()


async def test_a_request_that_gradio_does_not_show_is_refused_if_there_is_somebody_to_ask():
    made = component()
    made.authorize = lambda request: True
    refusal = {"status": "failed", "meta": {"error": "unauthorized"}}
    assert await made.offer({"sdp": "v=0", "type": "offer", "webrtc_id": "a"}) == refusal


async def test_the_page_of_a_stream_asks_what_the_stream_asks():
    limits = Limits(candidates=5)
    made = Stream(flip, modality="video", authorize=lambda request: False, limits=limits)
    assert made.webrtc_component.authorize is made.authorize
    assert made.webrtc_component.limits is limits


async def test_an_offer_without_a_handler_is_refused(caplog: pytest.LogCaptureFixture):
    with gr.Blocks():
        made = WebRTC()
    answer = await made.offer({"sdp": "v=0", "type": "offer", "webrtc_id": "a"})
    assert answer == {"status": "failed", "meta": {"error": "it has no handler"}}
    assert "call stream()" in caplog.text


async def test_a_handler_that_cannot_be_copied_is_told(caplog: pytest.LogCaptureFixture):
    class Broken(AsyncAudioEcho):
        def copy(self) -> Any:
            raise OSError("no model")

    made = component(Broken(), modality="audio")
    client = Client(made, audio=AudioSource())
    answer = await made.offer(await client.offer())
    assert answer == {"status": "failed", "meta": {"error": "OSError: no model"}}
    assert "no model" in caplog.text
    assert not made.pcs
    await client.close()


async def test_turn_gives_what_the_function_gives(caplog: pytest.LogCaptureFixture):
    async def fetch() -> dict:
        return {"iceServers": [{"urls": "turn:fresh"}]}

    assert await WebRTC(rtc_configuration=fetch).turn({}) == await fetch()
    assert await WebRTC(rtc_configuration=NO_SERVERS).turn({}) == NO_SERVERS
    assert await WebRTC().turn({}) is None

    def fail() -> dict:
        raise OSError("service down")

    assert await WebRTC(rtc_configuration=fail).turn({}) is None
    assert "service down" in caplog.text


async def test_readers_of_outputs_are_let_go():
    made = component()
    reader = asyncio.ensure_future(anext(made.output_stream("a")))
    await eventually(lambda: "a" in made.additional_outputs)
    await made.quit_output_stream({"webrtc_id": "a"})
    with pytest.raises(StopAsyncIteration):
        await reader
    await made.quit_output_stream({"webrtc_id": "unknown"})
    await made.quit_output_stream(None)


# Inputs and outputs


async def test_a_reply_gets_the_id_first_if_it_takes_one_more():
    taken: list[Any] = []
    for reply in (
        lambda audio, webrtc_id, gain: taken.append((webrtc_id, gain)),
        lambda audio, gain: taken.append((gain,)),
        lambda audio, *args: taken.append(args),
    ):
        made = component(Listener(reply), [gr.State()], modality="audio", mode="send")
        async with Client(made, audio=AudioSource()) as client:
            made._set_inputs(client.webrtc_id, 5)
            handler = made.handlers[client.webrtc_id]
            await eventually(lambda h=handler: h.latest_args != "not_set" and h.args_set.is_set())
            handler.fn(None, *handler.latest_args[1:])
            taken.append(client.webrtc_id)
    first, id_1, second, _, third, id_3 = taken
    assert (first, second, third) == ((id_1, 5), (5,), (id_3, 5))


async def test_what_is_said_at_the_start_gets_the_inputs_if_only_that_takes_some():
    greeted: list[Any] = []

    def greet(gain: float):
        greeted.append(gain)
        yield from ()

    def reply(audio):
        yield from ()

    handler = ReplyOnPause(reply, startup_fn=greet)
    made = component(handler, [gr.State()], modality="audio", mode="send-receive")
    async with Client(made, audio=AudioSource()) as client:
        await client.message("send_input")
        made._set_inputs(client.webrtc_id, 5)
        await eventually(lambda: greeted == [5])


class Listener(AsyncAudioEcho):
    """Has a reply function, as `ReplyOnPause` has."""

    def __init__(self, fn: Any) -> None:
        super().__init__()
        self.fn = fn

    def copy(self) -> "Listener":
        return Listener(self.fn)


async def test_inputs_before_the_first_connection_are_for_nobody():
    component()._set_inputs(None, 5)


async def test_a_typed_text_is_answered_once(monkeypatch: pytest.MonkeyPatch):
    for limit in ("TRIGGER_FOLLOWS_INPUTS_S", "DEFAULTED_INPUTS_TIMEOUT_S"):  # on a busy machine
        monkeypatch.setattr(f"fastrtc.turns.reply_inputs.{limit}", 30.0)
    texts: list[str] = []

    def reply(data: WebRTCData):
        texts.append(data.textbox)
        yield 24000, np.zeros((1, 480), np.int16)

    handler = ReplyOnPause(reply)
    made = component(handler, modality="audio", variant="textbox")
    async with Client(made, audio=AudioSource()) as client:
        data = WebRTCData(webrtc_id=client.webrtc_id, textbox="hello")
        made.set_input_on_submit(data)
        await eventually(lambda: texts == ["hello"])
        running = made.handlers[client.webrtc_id]
        await eventually(lambda: not running.state.responding and not running.event.is_set())
        made._set_inputs(data)  # the page's answer to `send_input` comes when the reply is over
        assert not running.args_set.is_set()
    assert handler.needs_args is False and running.needs_args is True


async def test_outputs_go_to_every_event():
    made = component()
    with made.parent:
        one = made.on_additional_outputs(lambda word: word, outputs=gr.Textbox())
        made.on_additional_outputs(lambda word: word, outputs=gr.Textbox())
        one.then(lambda: None)
    made.set_additional_outputs("a")(AdditionalOutputs("x"))
    request = SimpleNamespace(session_hash="s")
    assert [
        await event._run(request, "a") for event in connections_of(made).endpoint.outputs_events
    ] == ["x", "x"]


# Connections


async def test_a_copy_that_gradio_makes_has_the_same_connections():
    """Gradio makes a component anew, from its arguments, when an event updates it."""
    made = component()
    copy = WebRTC(**{**made.constructor_args, "label": "Renamed", "render": False})
    client = Client(made, video=VideoSource())
    await client.take(asked(await copy.offer(await client.offer())))
    await client.state("connected")
    assert client.webrtc_id in made.pcs and not copy.pcs
    await client.close()
    await client.over()


async def test_components_with_the_same_concurrency_id_share_the_limit():
    one, other = (component(concurrency_id="shared", concurrency_limit=1) for _ in range(2))
    async with Client(one, video=VideoSource()):
        client = Client(other, video=VideoSource())
        assert (await client.call())["meta"]["error"] == "concurrency_limit_reached"
        await client.close()


@pytest.mark.allow_threads("fastrtc-")
def test_connections_end_with_the_loop(caplog: pytest.LogCaptureFixture):
    ended: list[str] = []

    class Noting(AsyncAudioEcho):
        def shutdown(self) -> None:
            ended.append("shutdown")

        def copy(self) -> "Noting":
            return Noting()

    async def connect() -> None:
        made = component(Noting(), modality="audio")
        client = Client(made, audio=AudioSource())
        await client.take(asked(await made.offer(await client.offer())))
        await client.state("connected")
        await eventually(lambda: connections_of(made).session(client.webrtc_id).state is State.LIVE)
        keep.append((made, client))

    keep: list[Any] = []
    with caplog.at_level(logging.WARNING, "fastrtc"):
        asyncio.run(connect())
    assert ended == ["shutdown"]
    # asyncio tells of aiortc's tasks, which had no time
    assert not [record for record in caplog.records if record.name.startswith("fastrtc")]


async def test_a_signal_ends_the_connections_of_a_page_of_ones_own(signals: list[int]):
    made = component(AsyncAudioEcho(), modality="audio")
    client = await connected_to(made)
    os.kill(os.getpid(), signal.SIGTERM)
    await client.message("end_stream", "The server stops")
    await client.over()
    await eventually(lambda: signals == [signal.SIGTERM])
    await client.close()


@pytest.mark.parametrize("mounted", [True, False])
async def test_a_signal_lets_those_of_a_stream_come_to_their_end(mounted: bool, signals: list[int]):
    """Also those of a page that is mounted by Gradio, while the stream itself is not."""
    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        server_rtc_configuration=NO_SERVERS,
        drain_limit=60,
        verbose=False,
    )
    made = stream.webrtc_component
    lifespan = stream._inject_startup_message()(FastAPI()) if mounted else nullcontext()
    async with lifespan:
        client = await connected_to(made)
        os.kill(os.getpid(), signal.SIGTERM)
        await client.message("warning")
        await asyncio.sleep(0.2)  # so much for an end that does not come
        assert not client.session.ended and signals == []
        await client.close()
        await client.over()
        await eventually(lambda: signals == [signal.SIGTERM])


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """The signals that a server gets, as there is none that would end."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    yield came
    signal.signal(signal.SIGTERM, before)


async def connected_to(made: WebRTC) -> Client:
    client = Client(made, audio=AudioSource())
    await client.take(asked(await made.offer(await client.offer())))
    await client.state("connected")
    await eventually(lambda: client.channel.readyState == "open")
    return client
