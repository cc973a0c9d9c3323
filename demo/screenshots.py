"""Take a screenshot of every demo page in every state, light and dark, wide and narrow.

    python demo/screenshots.py FOLDER [DEMO ...]

Needs `pip install playwright` and Chromium (set CHROMIUM to its path if it is not on the PATH).
Starts and stops its own server.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import av
import numpy as np
from app import DEMOS
from playwright.async_api import Browser, Page, async_playwright
from receive_video.app import paint

WINDOWS = {"wide": (1200, 860), "narrow": (390, 800)}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
TURNS = ("heard", "thinking", "speaking", "interrupted")
NEVER = "() => new Promise(() => {})"


async def photograph(page: Page, name: str, sends: bool, shoot) -> None:
    """Take screenshots of all states of a page."""
    demo = page.locator(".demo")

    async def state(wanted: str) -> None:
        await page.wait_for_function(
            "wanted => document.querySelector('.demo').dataset.state === wanted", arg=wanted
        )

    await page.locator(".code span").first.wait_for(state="attached")
    await shoot("idle")
    if sends:
        await page.evaluate(
            f"() => {{ window.ask = navigator.mediaDevices.getUserMedia; "
            f"navigator.mediaDevices.getUserMedia = {NEVER}; }}"
        )
        await page.get_by_role("button", name="Start", exact=True).click()
        await state("asking")
        await shoot("asking")
        await page.get_by_role("button", name="Cancel").click()
        await page.evaluate("() => { navigator.mediaDevices.getUserMedia = ask; }")
        await page.reload()

    await page.evaluate(f"() => {{ window.get = window.fetch; window.fetch = {NEVER}; }}")
    await page.get_by_role("button", name="Start", exact=True).click()
    await state("connecting")
    await shoot("connecting")
    await page.get_by_role("button", name="Cancel").click()
    await page.evaluate(
        """() => { window.fetch = async () => new Response(JSON.stringify(
             { status: "failed", meta: { error: "concurrency_limit_reached", limit: 10 } })); }"""
    )
    await page.get_by_role("button", name="Start again").click()
    await state("failed")
    await shoot("failed")
    await page.evaluate("() => { window.fetch = get; }")

    await page.get_by_role("button", name="Try again").click()
    await state("connected")
    await page.wait_for_timeout(4500)  # wait for some activity
    await shoot("connected")
    if await demo.locator(".turns").count():  # the microphone is silent
        for turn in TURNS:
            await page.evaluate("state => demo.client.emit('conversation', { state })", turn)
            await shoot(turn)
    for summary in await demo.locator("summary").all():
        await summary.click()
    await page.get_by_label("Send a text").fill("hello")
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.locator(".entries .sent").wait_for()
    await page.evaluate("demo.page.alert('warning', 'The handler has something to say.')")
    await shoot("opened")
    await page.get_by_role("button", name="Stop").click()
    await state("stopped")
    await shoot("stopped")


async def take_all(url: str, folder: Path, names: list[str], browser: Browser) -> None:
    for scheme in ("light", "dark"):
        for width, (x, y) in WINDOWS.items():
            context = await browser.new_context(
                viewport={"width": x, "height": y}, color_scheme=scheme, device_scale_factor=1
            )
            page = await context.new_page()

            async def shoot(what: str, ending=f"{scheme}-{width}.png", page=page) -> None:
                await page.screenshot(path=folder / f"{what}-{ending}", full_page=True)

            await page.goto(f"{url}/plain")
            await shoot("index")
            for name in names:
                await page.goto(f"{url}/{name}/")
                sends = not name.startswith("receive")
                await photograph(
                    page,
                    name,
                    sends,
                    lambda state, name=name, shoot=shoot: shoot(f"{name}-{state}"),
                )
                print(f"{name} {scheme} {width}", flush=True)
            await context.close()


def film(path: Path) -> None:
    """Create a video for the fake camera with a top and a bottom: the sea."""
    with av.open(str(path), "w", format="mjpeg") as file:
        stream = file.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        for number in range(60):
            picture = np.ascontiguousarray(
                paint(3 + number / 30)[:, 60:420].repeat(2, 0).repeat(2, 1)
            )
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            file.mux(stream.encode(frame.reformat(640, 480, "yuvj420p")))
        file.mux(stream.encode(None))


async def with_browser(url: str, folder: Path, names: list[str], camera: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}"],
        )
        await take_all(url, folder, names, browser)
        await browser.close()


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("app.py"))],
        env={**os.environ, "PORT": str(port)},
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(url)
                break
            except OSError:
                time.sleep(0.2)
        with tempfile.TemporaryDirectory() as place:
            camera = Path(place, "camera.mjpeg")
            film(camera)
            asyncio.run(with_browser(url, folder, names, str(camera)))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with_states = [name for name in DEMOS if name != "websocket_webrtc"]  # its page is different
    main(Path(sys.argv[1]), sys.argv[2:] or with_states)
