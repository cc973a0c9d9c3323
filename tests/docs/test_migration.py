"""Programs as they were written for FastRTC 0.0.34 run as they are."""

from collections.abc import Callable
from types import ModuleType

import gradio as gr
import httpx
import numpy as np

from fastrtc import Stream
from fastrtc.testing import Call
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.support.speech import recorded_prompt

Snippet = Callable[[str], ModuleType]


def local(stream: Stream) -> Stream:
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    return stream


async def post(app: object, path: str, **options: object) -> httpx.Response:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        response = await client.post(path, **options)  # type: ignore[arg-type]
    assert response.status_code == 200
    return response


async def test_handler(snippet: Snippet) -> None:
    module = snippet("migration/handler.py")
    async with Client(local(module.stream), audio=AudioSource(tone(20))) as client:
        await client.message("send_input")
        await post(module.app, f"/input_hook?webrtc_id={client.webrtc_id}&gain=0.5")
        await client.message("fetch_output")
        outputs = await module.stream.fetch_latest_output(client.webrtc_id)
        assert outputs.args == ("gain 0.5",)
        await eventually(lambda: 2000 < loudest(client) < 4000)  # without the gain some 5800


def loudest(client: Client) -> int:
    """Of what was heard in the last tenth of a second."""
    return int(np.abs(client.heard()[-4800:].astype(int)).max(initial=0))


async def test_turns(snippet: Snippet) -> None:
    module = snippet("migration/turns.py")
    goodbye = recorded_prompt("vm-goodbye")
    async with Call(module.stream) as call:
        for history in ([], ["before"]):
            call.inputs(history)
            await call.say((48_000, goodbye))
            await call.finish()
    assert [len(history) for (history,) in call.outputs] == [1, 2]
    assert call.messages.count({"type": "send_input", "data": []}) == 2
    assert [message["data"] for message in call.messages if message["type"] == "log"][:3] == [
        "started_talking",
        "pause_detected",
        "response_starting",
    ]


async def test_video(snippet: Snippet) -> None:
    module = snippet("migration/video.py")
    async with Client(local(module.stream), video=VideoSource()) as client:
        body = {"webrtc_id": client.webrtc_id, "conf_threshold": 0.1}
        await post(module.app, "/input_hook", json=body)
        async for outputs in module.stream.output_stream(client.webrtc_id):
            if outputs.args[0] > 0:  # with the threshold that was set
                break
        await eventually(lambda: client.video_frames)
        picture = client.video_frames[-1][1]
    assert picture[:40, :, 0].mean() > picture[:40, :, 2].mean()  # what was below is above


async def test_page(snippet: Snippet) -> None:
    """What happens on such a page is tested with a browser, in `tests/gradio`."""
    module = snippet("migration/page.py")
    assert isinstance(module.demo, gr.Blocks)
    config = module.demo.get_config_file()
    assert [c["type"] for c in config["components"]].count("webrtc") == 1
    assert {(d["queue"], d["show_progress"]) for d in config["dependencies"]} >= {
        (False, "hidden"),
    }
