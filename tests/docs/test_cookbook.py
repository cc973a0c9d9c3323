"""The recipes of the cookbook do what they promise."""

import asyncio
import os
import wave
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.responses import HTMLResponse

from fastrtc import Stream
from fastrtc.testing import Call
from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import MARKS
from tests.demos.stand_ins.openai_chat import openai_service
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.support.servers import serving
from tests.support.speech import find_in, recorded_prompt, spaced

from .conftest import HEARD
from .pages import SOURCES

Snippet = Callable[[str], ModuleType]


def local(stream: Stream) -> Stream:
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    return stream


def caller(module: ModuleType, says: str = "vm-goodbye") -> Client:
    """Somebody who says something half a second after connecting, and is quiet then."""
    voice = AudioSource(spaced(0.5, recorded_prompt(says)))
    return Client(local(module.stream), audio=voice)


def silent(module: ModuleType) -> Client:
    return Client(local(module.stream), audio=AudioSource())


async def request(app: Any, method: str, path: str, **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.request(method, path, **options)


# What it says


async def test_speed(snippet: Snippet) -> None:
    module = snippet("cookbook/speed.py")
    slow, normal, fast = (
        sum(samples.size for _, samples in module.reply(None, speed)) for speed in (0.5, 1.0, 2.0)
    )
    assert slow > 1.5 * normal
    assert normal > 1.5 * fast


async def test_say(snippet: Snippet) -> None:
    module = snippet("cookbook/say.py")
    async with silent(module) as client:
        path = f"/say?webrtc_id={client.webrtc_id}&text=hello"
        assert (await request(module.app, "POST", path)).json() == {"played": True}
        await eventually(client.loud)
    assert (await request(module.app, "POST", path)).json() == {"played": False}


async def test_thinking(snippet: Snippet) -> None:
    module = snippet("cookbook/thinking.py")
    async with Call(module.stream) as call:
        await call.say((48_000, recorded_prompt("vm-goodbye")))
        await call.finish()
    assert find_in(call.turns[0].audio[1], tone(0.06, 660)).likeness > 0.8


async def test_play_file(snippet: Snippet) -> None:
    module = snippet("cookbook/play_file.py")
    async with Call(module.stream) as call:
        await call.finish()
    assert find_in(call.turns[0].audio[1], tone(0.5)).likeness > 0.8


# What it says beside that


async def test_captions(snippet: Snippet) -> None:
    module = snippet("cookbook/captions.py")
    async with caller(module) as client:
        events = (await module.captions(client.webrtc_id)).body_iterator
        assert [await anext(events), await anext(events)] == [
            'data: "This is the first."\n\n',
            'data: "This is the second."\n\n',
        ]
        await events.aclose()


KEEP_SOURCES = """() => {
    window.sources = [];
    window.EventSource = class extends EventSource {
        constructor(url) { super(url); sources.push(this); }
    };
}"""


IDS = "sources.map(({ url }) => url.split('=')[1])"


class TestPages:
    pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]

    async def test_captions(self, snippet: Snippet, open_page: Callable) -> None:  # noqa: F811
        module = snippet("cookbook/captions.py")
        stream = local(module.stream)
        html = (SOURCES / "cookbook/captions.html").read_text(encoding="utf-8")
        module.app.add_api_route("/", lambda: HTMLResponse(html))
        with serving(module.app) as url:
            tab = await open_page(url, says=recorded_prompt("vm-goodbye"), again=3.0)
            await tab.page.evaluate(KEEP_SOURCES)
            await tab.start()
            await tab.shows("This is the second.")
            (first,) = stream.connections
            stream.clean_up(first)
            await tab.wait_for("sources[0].readyState === 2")  # closed, and not tried again
            await tab.start()
            (second,) = stream.connections
            assert [first, second] == await tab.page.evaluate(IDS)


# How it stops


async def test_hush(snippet: Snippet) -> None:
    module = snippet("cookbook/hush.py")
    loop = asyncio.get_running_loop()
    async with caller(module) as client:
        await eventually(lambda: len(client.loud()) > 50)
        path = f"/hush?webrtc_id={client.webrtc_id}"
        assert (await request(module.app, "POST", path)).status_code == 200
        await eventually(lambda: loop.time() - client.loud()[-1][0] > 1.0)
        assert client.session is not None and not client.session.ended
    assert (await request(module.app, "POST", path)).status_code == 404


async def test_goodbye(snippet: Snippet) -> None:
    async with caller(snippet("cookbook/goodbye.py")) as client:
        await client.message("end_stream", "You said goodbye")
        assert client.loud()
        await client.over()


async def test_hang_up(snippet: Snippet) -> None:
    module = snippet("cookbook/hang_up.py")
    async with silent(module) as client:
        path = f"/hang-up?webrtc_id={client.webrtc_id}"
        assert (await request(module.app, "POST", path)).status_code == 200
        await client.over()
    assert (await request(module.app, "POST", path)).status_code == 200


# What it thinks with


async def test_any_llm(snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    with openai_service() as service:
        for name, value in service.variables.items():
            monkeypatch.setenv(name, value)
        service.replies += [["It is", " sunny. It ", "is warm."]]
        module = snippet("cookbook/any_llm.py")
        async with caller(module) as client:
            await eventually(lambda: len(client.of_type("log")) >= 3)
            handler = module.stream.handlers[client.webrtc_id]
            await eventually(lambda: len(handler.history) == 3)
        module.client.close()
        assert not service.refusals
        assert list(module.sentences(["It is", " sunny. Dr", ". No ", "is 3.5 m tall"])) == [
            "It is sunny.",
            "Dr. No is 3.5 m tall",
        ]
    assert handler.history[1:] == [
        {"role": "user", "content": HEARD},
        {"role": "assistant", "content": "It is sunny. It is warm."},
    ]
    assert len(module.stream.event_handler.history) == 1


@pytest.mark.external("espeak-ng")
async def test_heard(snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    story = "Once upon a time there was a king. He had three daughters, and lived far away."
    with openai_service() as service:
        for name, value in service.variables.items():
            monkeypatch.setenv(name, value)
        service.replies += [[story], ["It ", "is warm."]]
        module = snippet("cookbook/heard.py")
        async with Call(module.stream) as call:
            await call.say("Please tell me a story.")
            begun = await call.reply()
            await call.wait(begun.starts_s + 2.5 - call.turns[-1].ends_s)
            (handler,) = module.stream.handlers.values()
            handler.interrupt()
            await call.wait(1.0)
            interrupted = handler.history[-1]["content"]
            await call.say("What is the weather like?")
            await call.reply()
            await call.finish()
        module.client.close()
        assert not service.refusals
    assert interrupted and story.startswith(interrupted)
    assert 10 < len(interrupted) < len(story) - 10
    assert [message["content"] for message in handler.history[1:]] == [
        HEARD,
        interrupted,
        HEARD,
        "It is warm.",
    ]


# Pictures


async def test_overlay(snippet: Snippet) -> None:
    module = snippet("cookbook/overlay.py")
    white = VideoSource(width=320, height=240, picture=np.full((240, 320, 3), 255, np.uint8))
    async with Client(local(module.stream), video=white) as client:
        await eventually(lambda: client.video_frames)
        picture = client.video_frames[-1][1]
    assert picture[:20, :100].mean() < 128 < picture[100:].mean()


# Many people


async def test_room(snippet: Snippet) -> None:
    red, blue = (local(stream) for stream in snippet("cookbook/room.py").rooms.values())
    ada, bob, eve, guy = (AudioSource(tone(30, hertz)) for hertz in PITCHES)
    async with (
        Client(red, audio=ada) as hers,
        Client(red, audio=bob) as his,
        Client(red, audio=eve),
        Client(blue, audio=guy) as alone,
    ):
        await eventually(lambda: pitches(hers) == {1000, 2000} and pitches(his) == {440, 2000})
        assert not alone.loud()
    assert not red.event_handler.room


PITCHES = (440, 1000, 2000, 3000)


def pitches(client: Client) -> set[int]:
    """Which of the tones are in the last half second that was heard."""
    heard = client.heard()[-24_000:]
    if heard.size < 24_000:
        return set()
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
    return {hertz for hertz in PITCHES if spectrum[hertz // 2] > spectrum.max() / 10}


async def test_metrics(snippet: Snippet) -> None:
    module = snippet("cookbook/metrics.py")
    async with caller(module) as client:
        await eventually(client.loud)
        lines = (await request(module.app, "GET", "/metrics")).text.splitlines()
    values = dict(line.split() for line in lines)
    assert values["fastrtc_connections"] == "1"
    assert values["fastrtc_connections_limit"] == "20"
    assert "replies_total" in values


async def test_record(snippet: Snippet) -> None:
    module = snippet("cookbook/record.py")
    async with caller(module) as client:
        await eventually(lambda: len(client.loud()) > 20)  # 0.4 s: the end was not played yet
    path, turns = sorted(os.listdir("recordings"))
    with wave.open(f"recordings/{path}") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 48_000)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    said, answered = samples.reshape(-1, 2).T
    assert find_in(said, recorded_prompt("vm-goodbye")).likeness > 0.5
    assert np.flatnonzero(np.abs(answered) > 1000)[0] > np.flatnonzero(np.abs(said) > 1000)[0]
    assert turns == f"{path}.json"
