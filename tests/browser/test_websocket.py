"""The same conversation over a WebSocket, held by a page with AudioWorklets."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.staticfiles import StaticFiles
from playwright.async_api import Browser, Playwright, expect

from fastrtc import ReplyOnPause, Stream
from fastrtc.audio.encodings import ENCODINGS
from tests.browser.conftest import FLAGS
from tests.browser.demo_page import DemoPage
from tests.browser.media import RATE, align, envelope
from tests.browser.server import DemoServer
from tests.support.connections import connections_of
from tests.support.peers import eventually
from tests.support.programs import require_program
from tests.support.servers import serving
from tests.support.speech import find_in, recorded_prompt, spaced, speech, trimmed, write_wav

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium", "espeak-ng", "recorded-voices"),
]

LEAD = 1.5  # s of silence first: the connection is there before the first word
INTO_THE_ANSWER = 2.5  # s after the question; the answer begins after 0.5 s
TURNS = [
    *("listening", "heard", "thinking", "speaking"),
    *("interrupted", "thinking", "speaking", "listening"),
]
WATCH = """() => {
  window.turns = [];
  const root = document.querySelector(".demo");
  new MutationObserver(() => {
    const { turn } = root.dataset;
    if (turn && turn !== turns.at(-1)) turns.push(turn);
  }).observe(root, { attributeFilter: ["data-turn"] });
}"""
ATTEMPTS = 3  # the microphone does not wait for a machine that stands still


@pytest.fixture(scope="module")
def said() -> tuple[np.ndarray, np.ndarray]:
    """A question, and what interrupts its answer."""
    question = speech("Tell me how many people have lived in the old house by the sea?")
    return trimmed(question), trimmed(recorded_prompt("one-moment-please"))


@pytest_asyncio.fixture(loop_scope="session")
async def talking(
    playwright: Playwright, said: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> AsyncIterator[Browser]:
    """Chromium whose microphone hears this, once."""
    question, objection = said
    heard = spaced(LEAD, question, INTO_THE_ANSWER, objection, 1.0)
    file = write_wav(tmp_path / "microphone.wav", RATE, heard)
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={file}%noloop",
        ],
    )
    yield started
    await started.close()


@pytest.mark.parametrize("encoding", ["pcm16", "mulaw"])
async def test_a_conversation(
    demo_server: DemoServer, open_demo, talking: Browser, said, encoding: str
) -> None:
    address = f"{demo_server.url}/websocket_echo/?encoding={encoding}"
    for attempts_left in reversed(range(ATTEMPTS)):
        demo: DemoPage = await open_demo(address, talking)
        await demo.page.evaluate(WATCH)
        await demo.record()
        await demo.connect()
        assert await demo.page.evaluate("demo.client.audio.encoding") == encoding
        await demo.wait_for("turns.length && turns.filter((t) => t === 'speaking').length > 1")
        await demo.wait_for("turns.at(-1) === 'listening'")
        turns = await demo.page.evaluate("turns")
        if turns == TURNS or attempts_left == 0:
            break
        await demo.press("Stop")
    assert turns == TURNS
    received = await demo.recording("remote", 5)
    question, objection = said
    # By its loudness: on a busy machine the page's own recording has gaps.
    assert align(envelope(objection), envelope(received.samples))[1] > 0.7
    _, rest = find_in(received.samples, question[-RATE:])
    assert rest < 0.3  # the answer to the question was cut off
    await expect(demo.page.locator(".stats")).to_contain_text("ms")
    await demo.press("Stop")
    await demo.wait_for_state("stopped")


async def test_a_server_that_is_full_says_so(limited_server: DemoServer, open_demo) -> None:
    first = await open_demo(f"{limited_server.url}/websocket_echo/")
    await first.connect()
    second = await open_demo(f"{limited_server.url}/websocket_echo/")
    await second.press("Start")
    await second.wait_for_alert("All connections are in use")
    await first.press("Stop")
    await second.connect("Try again")


# Servers that are not as this one

DEMOS = Path(__file__).resolve().parents[2] / "demo"
PAGE = "/websocket_echo"
TONE = 440  # Hz


def with_page(app: FastAPI) -> FastAPI:
    app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))
    app.mount("/", StaticFiles(directory=DEMOS, html=True))
    return app


class OtherServer:
    """Sends a tone, and answers `start` in its own way.

    Args:
        started_after: How long it takes to answer, in seconds; None does not.
        in_order: Whether it answers nothing else meanwhile.

    Attributes:
        ids: The ids of those who came.
        heard: How each piece of sound was written that came.
    """

    def __init__(self, started_after: float | None = None, in_order: bool = True) -> None:
        self.started_after = started_after
        self.in_order = in_order
        self.ids: list[str] = []
        self.heard: list[str] = []
        app = FastAPI()
        app.websocket(f"{PAGE}/websocket/offer")(self.talk)
        self.app = with_page(app)

    async def talk(self, socket: WebSocket) -> None:
        await socket.accept()
        self.encoding, self.rate = "mulaw", 24_000
        tasks = [asyncio.create_task(self.play(socket))]
        with suppress(WebSocketDisconnect):
            while True:
                message = await socket.receive()
                if message.get("bytes") is not None:
                    self.heard.append("pcm16")
                    continue
                if message["type"] == "websocket.disconnect":
                    break
                content = json.loads(message["text"])
                if content["event"] == "start":
                    self.ids.append(content["websocket_id"])
                    tasks.append(asyncio.create_task(self.answer(socket, content)))
                    if self.in_order:
                        await tasks[-1]
                elif content["event"] == "media":
                    self.heard.append("mulaw")
                elif content["event"] == "ping":
                    await socket.send_json({"event": "pong"})
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def answer(self, socket: WebSocket, start: dict[str, Any]) -> None:
        if self.started_after is None:
            return
        await asyncio.sleep(self.started_after)
        await socket.send_json({**start, "event": "started"})
        self.encoding, self.rate = "pcm16", 48_000

    async def play(self, socket: WebSocket) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time() - 0.2  # so much ahead
        sent = 0.0
        while True:
            if self.in_order and not self.heard:  # nothing is sent before the answer
                await asyncio.sleep(0.01)
                began = loop.time() - 0.2
                continue
            times = sent + np.arange(self.rate // 50) / self.rate
            samples = (8000 * np.sin(2 * np.pi * TONE * times)).astype(np.int16)
            payload = ENCODINGS[self.encoding].encode(samples)
            if self.encoding == "pcm16":
                await socket.send_bytes(payload)
            else:
                media = {"payload": base64.b64encode(payload).decode()}
                await socket.send_json({"event": "media", "media": media})
            sent += 0.02
            await asyncio.sleep(max(0.0, began + sent - loop.time()))


def assert_tone(samples: np.ndarray) -> None:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    assert frequencies[spectrum.argmax()] == pytest.approx(TONE, abs=5)
    near = np.abs(frequencies - TONE) < 30
    assert spectrum[near].sum() > 0.5 * spectrum.sum()


async def connected_to(server: OtherServer, url: str, open_demo: Callable[..., Any]) -> DemoPage:
    demo: DemoPage = await open_demo(f"{url}{PAGE}/")
    await demo.record()
    await demo.connect()
    await eventually(lambda: len(server.heard) > 25)
    return demo


async def test_a_server_that_cannot_negotiate_gets_mulaw(open_demo) -> None:
    server = OtherServer()
    with serving(server.app) as url:
        demo = await connected_to(server, url, open_demo)
        assert await demo.page.evaluate("demo.client.audio.encoding") == "mulaw"
        assert_tone((await demo.recording("remote", 1.5)).samples[-RATE // 2 :])
        assert set(server.heard) == {"mulaw"}
        await demo.press("Stop")
        await demo.connect("Start again")
        await demo.press("Stop")
    first, second = server.ids
    assert first != second and len(first) == len(second) == 32  # hexadecimal digits: 128 bits


async def test_a_server_that_takes_its_time_gets_what_was_asked_for(open_demo) -> None:
    server = OtherServer(started_after=1.5)
    with serving(server.app) as url:
        demo = await connected_to(server, url, open_demo)
        assert await demo.page.evaluate("demo.client.audio.encoding") == "pcm16"
        assert_tone((await demo.recording("remote", 1.5)).samples[-RATE // 2 :])
        assert set(server.heard) == {"pcm16"}
        await demo.press("Stop")


async def test_an_answer_that_comes_late_is_taken(open_demo) -> None:
    server = OtherServer(started_after=1.5, in_order=False)
    with serving(server.app) as url:
        demo = await connected_to(server, url, open_demo)
        await demo.wait_for("demo.client.audio.encoding === 'pcm16'")
        begun = await demo.page.evaluate("recorder.seconds('remote')")
        assert_tone((await demo.recording("remote", begun + 2)).samples[-RATE // 2 :])
        change = server.heard.index("pcm16")
        assert set(server.heard[:change]) == {"mulaw"}
        assert set(server.heard[change:]) == {"pcm16"}
        await demo.press("Stop")


@pytest.mark.parametrize(
    ("options", "stopping", "sentence"),
    [
        ({"authorize": lambda request: "Log in first."}, False, "let you in: Log in first."),
        ({"authorize": lambda request: False}, False, "The server does not let you in."),
        ({}, True, "The server is stopping or restarting."),
    ],
)
async def test_a_refusal_is_told_as_a_sentence(
    options: dict[str, Any], stopping: bool, sentence: str, open_demo
) -> None:
    stream = Stream(ReplyOnPause(lambda audio: [audio]), modality="audio", **options)
    app = FastAPI()
    stream.mount(app, path=PAGE)
    with serving(with_page(app)) as url:
        demo = await open_demo(f"{url}{PAGE}/")
        connections_of(stream).registry.stopping = stopping
        await demo.press("Start")
        await demo.wait_for_alert(sentence)
