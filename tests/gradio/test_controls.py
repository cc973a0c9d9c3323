"""The buttons below the stage, and a page that is to look otherwise."""

import re

from playwright.async_api import expect

from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import PATIENCE, StreamPage

pytestmark = MARKS

COUNT_DRAWINGS = """() => {
    window.drawings = 0;
    const { clearRect } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...where) {
      window.drawings += 1;
      clearRect.apply(this, where);
    };
}"""


async def test_muting(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/audio/send-receive")
    await page.start()
    await page.flows("audio_out", "audio_in")
    await page.press("Mute microphone")
    await page.hears_nothing()
    await expect(page.status).to_have_text("Microphone muted")
    await page.press("Unmute microphone")
    await page.flows("audio_in")

    sound = page.page.locator(".frtc-stage audio")
    await expect(sound).to_have_js_property("muted", False)
    await page.press("Mute speaker")
    await expect(sound).to_have_js_property("muted", True)
    await page.press("Unmute speaker")
    await expect(sound).to_have_js_property("muted", False)
    await page.stop()


async def test_choosing_devices(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/audio-video/send-receive")
    devices = page.drawer("Devices")
    await page.press("Choose devices")
    # Chromium's user has allowed it: its beeps are seen before anything is sent.
    level = devices.get_by_role("meter", name="Microphone level")
    await expect(page.status).to_have_text("Testing the microphone, nothing is sent")
    await expect(level).to_have_attribute("aria-valuenow", re.compile(r"[1-9]0"))
    await page.start()
    await expect(level).to_have_attribute("aria-valuenow", re.compile(r"[1-9]0"))
    await devices.get_by_role("slider", name="Volume").fill("40")
    await expect(page.page.locator(".frtc-picture")).to_have_js_property("volume", 0.4)
    await devices.get_by_role("radio", name="Fake Audio Input 2").check()
    await devices.get_by_role("radio", name="fake_device_2").check()
    await devices.get_by_role("radio", name="Fake Audio Output 1").check()
    await page.page.wait_for_function(
        """() => {
            const sent = window.peers.at(-1).getSenders().map(({ track }) => track?.label).join();
            return sent === "Fake Audio Input 2,fake_device_2"
              && document.querySelector(".frtc-picture").sinkId !== "";
        }""",
        timeout=PATIENCE,
        polling=200,
    )
    await page.flows("audio_out", "audio_in", "video_out", "video_in")
    await page.press("Turn camera off")
    await expect(page.page.get_by_role("button", name="Turn camera on")).to_be_visible()
    await page.stop()


async def test_details_and_full_screen(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/audio-video/send-receive")
    devices, details = page.drawer("Devices"), page.drawer("Connection")
    await page.start()
    await page.flows("video_in")
    await page.press("Choose devices")
    await expect(devices).to_be_visible()
    await page.press("Connection details")
    await expect(devices).to_be_hidden()
    for figure in (
        r"ConnectionDirect, over UDP",
        r"Round trip\d+ ms",
        r"Lost packets\d\.\d %",
        r"Picture\d+ × \d+, [1-9]\d*/s",
        r"Sending\d",
        r"Codecopus, VP8",
    ):
        await expect(details).to_contain_text(
            re.compile(figure),
        )
    await page.page.keyboard.press("Escape")
    await expect(details).to_be_hidden()
    await expect(page.page.get_by_role("button", name="Connection details")).to_be_focused()

    await moves_and_hides_the_own_picture(page)

    await page.press("Full screen")
    await page.page.wait_for_function(
        """() => document.fullscreenElement?.matches(".frtc-panel")
            && document.fullscreenElement.clientHeight === innerHeight""",
        timeout=PATIENCE,
    )
    await expect(page.main).to_be_in_viewport()
    await page.press("Leave full screen")
    await page.page.wait_for_function("!document.fullscreenElement", timeout=PATIENCE)
    await page.stop()


async def moves_and_hides_the_own_picture(page: StreamPage) -> None:
    own, video = page.page.locator(".frtc-own"), page.page.locator(".frtc-self")
    screen = await page.page.locator(".frtc-screen").bounding_box()
    box = await own.bounding_box()
    assert screen is not None and box is not None
    # It has the shape of what the camera gives: nothing is cropped.
    shape = await video.evaluate("({ videoWidth, videoHeight }) => videoWidth / videoHeight")
    assert abs(box["width"] / box["height"] - shape) < 0.05
    mouse = page.page.mouse
    await mouse.move(box["x"] + 20, box["y"] + box["height"] - 20)
    await mouse.down()
    await mouse.move(screen["x"] + 60, screen["y"] + 60, steps=4)
    await mouse.up()
    await expect(own).to_have_attribute("data-corner", "top-left")
    await page.press("Hide your picture")
    await expect(video).to_be_hidden()
    await page.press("Show your picture")
    await expect(video).to_be_visible()


async def test_an_icon_and_other_words(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/look")
    face, image = page.page.locator(".frtc-face"), page.page.locator(".frtc-face img")
    await expect(face).to_have_css("background-color", "rgb(200, 30, 90)")
    await expect(face).to_have_css("border-radius", "20%")
    pulse = page.page.locator(".frtc-ring").first
    await expect(pulse).to_have_css("background-color", "rgb(30, 90, 200)")
    assert await image.evaluate("async it => { await it.decode(); return it.naturalWidth; }") > 0

    await page.watch()
    await face.click()
    await page.is_in("connected")
    # The rings follow the sound.
    await page.page.wait_for_function(
        "document.querySelector('.frtc-disc').style.getPropertyValue('--frtc-level') > 0.3",
        timeout=PATIENCE,
        polling=50,
    )
    await face.click()
    await page.is_in("stopped")
    assert await page.seen("labels") == ["Call", "Ringing", "Hang up", "Call"]


async def test_less_motion(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/audio/receive", new_visitor=True)
    clock = page.page.clock
    await clock.install()
    await page.page.evaluate(COUNT_DRAWINGS)
    await page.start()
    await clock.pause_at(await page.page.evaluate("Date.now() / 1000 + 1"))

    async def drawings() -> int:
        """How often the waves are drawn within 1.2 s of the page's clock."""
        before = await page.page.evaluate("drawings")
        await clock.run_for(1200)
        return await page.page.evaluate("drawings") - before

    assert await drawings() > 40
    await expect(page.main).not_to_have_css("transition-property", "none")
    await page.page.emulate_media(reduced_motion="reduce")
    assert 0 < await drawings() <= 10
    await expect(page.main).to_have_css("transition-property", "none")
