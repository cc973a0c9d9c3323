"""Demos in which the server sends and the page asks for no device."""

import runpy

import pytest
from playwright.async_api import expect

from tests.browser.demo_page import DemoPage
from tests.browser.media import notes, share_in_order
from tests.browser.server import ROOT, DemoServer

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium", "espeak-ng"),
]


async def assert_no_device_was_asked_for(demo: DemoPage) -> None:
    assert await demo.page.evaluate("window.deviceRequests") == 0


async def test_the_tune_is_heard(demo_server: DemoServer, open_demo) -> None:
    box = runpy.run_path(str(ROOT / "demo" / "receive_audio" / "app.py"))
    demo = await open_demo(f"{demo_server.url}/receive_audio/")
    await demo.record()
    await demo.connect()
    recording = await demo.recording("remote", 5)
    await assert_no_device_was_asked_for(demo)

    tune = [note for note in box["TUNE"][:16] if note is not None]
    heard = notes(recording.samples, base=261.63)
    assert share_in_order(tune, heard) > 0.75, heard


async def test_the_sun_moves(demo_server: DemoServer, open_demo) -> None:
    demo = await open_demo(f"{demo_server.url}/receive_video/")
    await demo.connect()

    sun = "pictures.find('remote', (r, g, b) => r > 235 && g > 215 && b > 150)"
    across, down = await demo.wait_for(sun)
    assert down < 0.62
    await demo.wait_for(f"from => {sun}?.[0] > from + 0.05", across)
    await assert_no_device_was_asked_for(demo)


async def test_the_ball_is_seen_and_heard(demo_server: DemoServer, open_demo) -> None:
    ball = runpy.run_path(str(ROOT / "demo" / "receive_both" / "app.py"))
    demo = await open_demo(f"{demo_server.url}/receive_both/")
    await demo.record()
    await demo.connect()

    where = "pictures.find('remote', (r, g, b) => Math.max(r, g, b) > 200)"
    low = ball["FLOOR"] / ball["HEIGHT"]
    await demo.wait_for(f"low => {where}?.[1] > low - 0.2", low)
    await demo.wait_for(f"low => {where}?.[1] < low - 0.4", low)
    recording = await demo.recording("remote", 6)
    await assert_no_device_was_asked_for(demo)
    heard = notes(recording.samples, base=196.0)
    assert share_in_order(ball["NOTES"][:6], heard) > 0.75, heard


@pytest.mark.parametrize("trickle", [True, False])
async def test_candidates_come_one_by_one_or_within_the_offer(
    demo_server: DemoServer, open_demo, trickle: bool
) -> None:
    demo = await open_demo(f"{demo_server.url}/receive_audio/")
    await demo.record()
    sent = []
    demo.page.on("request", lambda request: sent.append(request.post_data_json))
    await demo.page.evaluate("trickle => { demo.client.options.trickle = trickle; }", trickle)
    await demo.connect()

    await demo.wait_for("recorder.loudest('remote') > 3000")
    trickled = [body for body in sent if body and body["type"] == "ice-candidate"]
    assert bool(trickled) == trickle
    log = demo.page.locator(".entries")
    await expect(log).not_to_contain_text("refused")
