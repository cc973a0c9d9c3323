"""What a person reads when something goes wrong, and that they can go on from there."""

import re
import signal

import pytest
from playwright.async_api import Route, expect

from tests.browser.demo_page import DemoPage
from tests.browser.server import ROOT, DemoServer

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium", "espeak-ng"),
]

OFFERS = re.compile(r"/webrtc/offer$")


def refusal(**meta) -> dict:
    return {"json": {"status": "failed", "meta": meta}}


async def test_the_limit_is_told_and_a_place_can_be_had_later(
    limited_server: DemoServer, open_demo
) -> None:
    first = await open_demo(f"{limited_server.url}/audio_echo/")
    second = await open_demo(f"{limited_server.url}/audio_echo/")
    await first.connect()
    await second.press("Start")
    await second.wait_for_state("failed")
    await second.wait_for_alert("The stream is in use, and takes one connection at a time")

    await first.press("Stop")
    await connect_when_there_is_a_place(second)


async def test_leaving_the_page_gives_the_place_back(limited_server: DemoServer, open_demo) -> None:
    first = await open_demo(f"{limited_server.url}/audio_echo/")
    second = await open_demo(f"{limited_server.url}/audio_echo/")
    await first.connect()
    await first.page.goto("about:blank")

    await connect_when_there_is_a_place(second, "Start")


async def connect_when_there_is_a_place(demo: DemoPage, name: str = "Try again") -> None:
    """The server may need a moment to see that the other one has left: at most 2 s."""
    for _ in range(20):
        await demo.press(name)
        await demo.wait_for("!['asking', 'connecting'].includes(demo.client.state)")
        if await demo.page.evaluate("demo.client.state") == "connected":
            assert await demo.page.get_by_role("alert").count() == 0
            return
        name = "Try again"
        await demo.page.wait_for_timeout(100)
    raise AssertionError("the place was not free again within 2 s")


async def test_no_permission(demo_server: DemoServer, open_demo, forbidding_browser) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_video/", forbidding_browser)
    await demo.press("Start")
    await demo.wait_for_state("failed")
    await demo.wait_for_alert("may not use the microphone and camera. Allow it in the browser")
    await expect(demo.button("Try again")).to_be_enabled()


async def test_devices_that_fail(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_echo/")
    start = "Start"
    for error, sentence in {
        "NotFoundError": "No microphone was found",
        "NotReadableError": "Another program may be using it",
        "OverconstrainedError": r"cannot do what this page asks for \(rate\)",
        "OddError": "The microphone could not be opened: odd",
    }.items():
        await demo.page.evaluate(
            """name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(
                Object.assign(new Error("odd"), { name, constraint: "rate" })); }""",
            error,
        )
        await demo.press(start)
        await demo.wait_for_alert(sentence)
        start = "Try again"


async def test_answers_that_are_none(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/receive_audio/")
    start = "Start"
    answers = [
        ({"status": 500, "body": "Internal Server Error"}, r"The server had an error \(500\)"),
        ({"status": 404, "body": "{}"}, "There is no stream at this address"),
        ({"status": 422, "json": {"detail": []}}, "did not understand the offer"),
        ({"status": 503, "body": "<html>"}, "not available right now"),
        (refusal(error="concurrency_limit_reached", limit=7), "All 7 connections are in use"),
        (refusal(error="connection_already_exists"), "already has a connection with this id"),
        (refusal(error="odd"), "refused the connection: odd"),
        (None, "The server cannot be reached"),
    ]
    following = iter([answer for answer, _ in answers])

    async def reply(route: Route) -> None:
        if "candidate" in route.request.post_data_json:
            await route.abort()
        elif answer := next(following):
            await route.fulfill(**answer)
        else:
            await route.abort()

    await demo.page.route(OFFERS, reply)
    for _, sentence in answers:
        await demo.press(start)
        await demo.wait_for_alert(sentence)
        await demo.wait_for_state("failed")
        start = "Try again"

    await demo.page.unroute(OFFERS)
    await demo.connect("Try again")
    await expect(demo.page.locator(".alert")).to_be_hidden()


async def test_cancel_while_the_device_is_asked_for(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/audio_echo/")
    await demo.page.evaluate(
        """() => {
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          const allowed = new Promise((resolve) => { window.allow = resolve; });
          navigator.mediaDevices.getUserMedia = async (what) => {
            await allowed;
            return (window.given = await ask(what));
          };
        }"""
    )
    await demo.press("Start")
    await demo.wait_for_state("asking")
    await expect(demo.page.get_by_role("status")).to_have_text("Asking for the microphone…")
    await demo.press("Cancel")
    await demo.wait_for_state("stopped")
    # The late answer must not leave the microphone open.
    await demo.page.evaluate("allow()")
    await demo.wait_for("window.given?.getTracks().every((one) => one.readyState === 'ended')")
    assert await demo.page.evaluate("demo.client.state") == "stopped"
    await demo.connect("Start again")


async def test_cancel_while_connecting(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/receive_audio/")
    # A server that takes its time.
    await demo.page.evaluate(
        """() => {
          window.originalFetch = window.fetch;
          window.fetch = (url, { signal }) => new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
          });
        }"""
    )
    await demo.press("Start")
    await demo.wait_for_state("connecting")
    await demo.press("Cancel")
    await demo.wait_for_state("stopped")
    await demo.page.evaluate("() => { window.fetch = originalFetch; }")
    await demo.connect("Start again")


async def test_the_server_is_stopped_and_comes_back(own_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{own_server.url}/audio_video/")
    await demo.connect()
    took = own_server.stop(signal.SIGINT)
    assert took < 15
    await demo.wait_for_state("stopped")
    await expect(demo.page.get_by_role("status")).to_contain_text("The server is stopping")

    await demo.press("Start again")
    await demo.wait_for_alert("cannot be reached")
    own_server.start()
    await demo.connect("Try again")


async def test_the_server_vanishes(own_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{own_server.url}/receive_audio/")
    await demo.page.evaluate("demo.client.options.reconnect = { tries: 2, grace: 500 }")
    await demo.page.evaluate("demo.client.options.resume = false")  # which it tries for 30 s
    await demo.connect()
    own_server.kill()
    await demo.wait_for_state("reconnecting")
    await demo.wait_for_state("failed")
    await demo.wait_for_alert("The connection was lost")


async def test_texts_on_the_data_channel(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/receive_audio/")
    await demo.connect()
    await demo.page.get_by_text("Messages").click()
    await demo.page.get_by_label("Send a text").fill("hello")
    await demo.button("Send").click()
    entries = demo.page.get_by_label("Messages, newest first")
    await expect(entries).to_contain_text('log: Server received: "hello"')


async def test_messages_of_the_server(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/receive_audio/")
    await demo.page.evaluate(
        """() => {
          const create = RTCPeerConnection.prototype.createDataChannel;
          RTCPeerConnection.prototype.createDataChannel = function (...how) {
            return (window.channel = create.apply(this, how));
          };
        }"""
    )

    async def read(message: dict) -> None:
        """Have the page read it as if it had come on the data channel."""
        await demo.page.evaluate(
            """message => channel.dispatchEvent(
                new MessageEvent("message", { data: JSON.stringify(message) }))""",
            message,
        )

    await demo.connect()
    await read({"type": "error", "message": "No money"})
    await demo.wait_for_alert("No money")
    await read({"type": "warning", "data": "Little money"})
    await demo.wait_for_alert("Little money")
    await read({"type": "mine", "data": {"a": 1}})
    await expect(demo.page.locator(".entries")).to_contain_text('mine: {"a":1}')
    await demo.wait_for_state("connected")
    await read({"type": "end_stream", "data": "Good bye"})
    await demo.wait_for_state("stopped")
    await expect(demo.page.get_by_role("status")).to_have_text(
        "The server has ended the stream: Good bye"
    )
    await demo.connect("Start again")
    await read({"type": "update_connection", "data": "closed"})
    await demo.wait_for_state("stopped")
    await expect(demo.page.get_by_role("status")).to_have_text("The server has ended the stream")


async def test_every_demo_is_linked(demo_server: DemoServer, browser) -> None:
    page = await browser.new_page()
    await page.goto(f"{demo_server.url}/plain")
    links = await page.locator(".demos a").evaluate_all("all => all.map((one) => one.href)")
    served = (ROOT / "demo" / "app.py").read_text()
    demos = set(re.findall(r'^    "(\w+)",$', served, re.MULTILINE))
    assert "audio_echo" in demos
    assert {link.rstrip("/").rpartition("/")[2] for link in links} == demos
    for link in links:
        answer = await page.goto(link)
        assert answer.ok
        await expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    await page.close()
