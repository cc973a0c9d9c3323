"""A component on a page whose requests reach another process than its connection."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, WebRTC, WebRTCData
from fastrtc.server.cluster import forwarded
from fastrtc.server.endpoint import endpoint_of
from tests.support.cluster import FailingDirectory, clustered, node_of, running
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, Client, eventually
from tests.webrtc.test_cluster import Inputs, elsewhere, trickle
from tests.webrtc.test_trickle import take_without_candidates


def pages(handler: Any, limit: int = 5, **options: Any) -> list[WebRTC]:
    """The same component in two processes, each of which shows outputs in a text box."""
    directory, found = FailingDirectory(), []
    for _ in range(2):
        with gr.Blocks():
            component = WebRTC(
                modality="audio",
                mode="send-receive",
                elem_id="voice",
                server_rtc_configuration=LOCAL,
                **options,
            )
            text, other = gr.Textbox(), gr.Textbox()
            component.stream(
                handler, inputs=[component, text], outputs=[component], concurrency_limit=limit
            )
            for box in (text, other):
                component.on_additional_outputs(
                    lambda old, new: f"{old}{new}", inputs=[box], outputs=[box]
                )
        component.cluster = clustered(directory)
        found.append(component)
    return found


async def shown(component: WebRTC, id: str, event: int = 0) -> Any:
    """What a page gets when it is notified of outputs."""
    request = SimpleNamespace(session_hash="page")
    seen = {"given": 0}
    result = await endpoint_of(component).outputs_events[event]._run(request, id, seen, "")
    return result[0]


async def test_inputs_and_outputs_of_a_page_find_the_connection():
    owner, other = pages(Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        id = client.webrtc_id
        other.set_input_gradio(id, "typed")
        handler = owner.handlers[id]
        await eventually(lambda: handler.got)
        assert handler.got[0][1:] == ["typed"]
        for number in range(3):
            handler.out.put_nowait(number)
        await eventually(lambda: len(client.of_type("fetch_output")) == 3)
        assert await shown(other, id) == "012"
        assert await shown(other, id, 1) == "012"  # each event has its own
        handler.out.put_nowait(3)
        await eventually(lambda: len(client.of_type("fetch_output")) == 4)
        await client.close()
        await client.over()
        assert await shown(other, id) == "0123"  # after the end, too
    assert "__fastrtc" not in str(vars(other).keys() - {"__fastrtc_endpoint__"})


async def test_candidates_of_a_page_find_the_connection():
    owner, other = pages(Inputs())
    async with running(owner, other):
        client = Client(owner, audio="recvonly")
        offer = await client.offer(trickle=True)
        assert all(one == {"status": "success"} for one in await trickle(client, other))
        await take_without_candidates(client, await client.post(offer))
        await client.state("connected")
        await client.close()
        await client.over()


async def test_a_full_page_lets_another_process_answer_and_shows_its_outputs():
    full, free = pages(Inputs(), limit=1)
    async with running(full, free), Client(full, audio="recvonly"):
        client = Client(full, audio="recvonly")
        client.response = await client.post(await client.offer())
        await elsewhere(client, free)
        await client.state("connected")
        free.handlers[client.webrtc_id].out.put_nowait("hello")
        await client.message("fetch_output")
        assert await shown(full, client.webrtc_id) == "hello"
        await client.close()
        await client.over()


async def test_submitted_text_triggers_the_reply_of_another_process():
    def reply(data: WebRTCData, text: str) -> Any:
        yield AdditionalOutputs(f"{data.textbox} {text}")

    owner, other = pages(ReplyOnPause(reply, can_interrupt=False), variant="textbox")
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        data = WebRTCData(webrtc_id=client.webrtc_id, textbox="question")
        await asyncio.to_thread(other.set_input_on_submit, data, "input")
        await client.message("fetch_output")
        assert await shown(other, client.webrtc_id) == "question input"


async def test_text_that_no_reply_requests_any_more_is_not_set():
    owner, other = pages(ReplyOnPause(lambda data, text: None), variant="textbox")
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        data = WebRTCData(webrtc_id=client.webrtc_id, textbox="late")
        before = owner.handlers[client.webrtc_id].latest_args
        await asyncio.to_thread(other._set_inputs, data, "input")
        assert owner.handlers[client.webrtc_id].latest_args == before
        await asyncio.to_thread(other.set_input_gradio, data, "input")
        assert owner.handlers[client.webrtc_id].latest_args != before


async def test_the_page_of_a_stream_is_a_member_of_its_cluster():
    directory, streams = FailingDirectory(), []
    for _ in range(2):
        stream = Stream(
            Inputs(),
            modality="audio",
            server_rtc_configuration=LOCAL,
            verbose=False,
            cluster=clustered(directory),
            total_limit=1,
        )
        endpoint_of(stream).mounted_at("/voice")
        streams.append(stream)
    one, two = (stream.webrtc_component for stream in streams)
    async with running(one, two), running(*streams):
        assert node_of(one) is node_of(streams[0]) is not node_of(two)
        assert set(node_of(one).record.free) == {"/voice", "page:/voice"}
        async with Client(one, audio="recvonly") as client:
            await asyncio.to_thread(two.set_input, client.webrtc_id, 1)
            assert one.handlers[client.webrtc_id].got == [[1]]
            second = Client(two, audio="recvonly")
            assert (await second.call())["meta"]["limit"] == 1
            await second.close()
        assert not connections_of(streams[0]).registry


async def test_pages_with_the_same_name_are_an_error():
    options = clustered(FailingDirectory())
    one, two = pages(Inputs())
    one.cluster = two.cluster = options
    async with running(one):
        with pytest.raises(RuntimeError, match="page:voice"):
            await endpoint_of(two).cluster.start()


async def test_a_page_joins_its_cluster_when_its_server_starts():
    """Its process may be the one with free places, before it has got any request."""
    component, _ = pages(Inputs())
    await component.parent.run_extra_startup_events()  # as a launched or mounted page does
    assert set(node_of(component).record.free) == {"page:voice"}
    await endpoint_of(component).leave_cluster()


async def test_large_outputs_of_a_page_arrive_one_after_the_other(
    errors: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(forwarded, "MAX_PAGE_OUTPUTS_BYTES", 1000)
    owner, other = pages(Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        put = owner.set_additional_outputs(client.webrtc_id)
        for outputs in ("a" * 600, lambda: None, "b" * 600, "c" * 2000, "d"):
            put(AdditionalOutputs(outputs))
        await eventually(lambda: len(endpoint_of(owner).outputs_events[0]._waiting) == 1)
        found = [await shown(other, client.webrtc_id) for _ in range(4)]
        assert [len(text) for text in found] == [600, 1200, 3200, 3201]
        assert "cannot be sent to the process of the page" in errors()[0].getMessage()
