"""The default page of every modality and mode starts, streams, stops, and starts again."""

import pytest
from playwright.async_api import expect

from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer

pytestmark = MARKS

KINDS = {
    ("audio", "send-receive"): ("audio_out", "audio_in"),
    ("audio", "send"): ("audio_out",),
    ("audio", "receive"): ("audio_in",),
    ("video", "send-receive"): ("video_out", "video_in"),
    ("video", "send"): ("video_out",),
    ("video", "receive"): ("video_in",),
    ("audio-video", "send-receive"): ("audio_out", "audio_in", "video_out", "video_in"),
    ("audio-video", "send"): ("audio_out", "video_out"),
    ("audio-video", "receive"): ("audio_in", "video_in"),
}

# Pages of the shared context reduce motion; this one does not, so its transitions run.
ANIMATED = ("audio", "send-receive")


@pytest.mark.parametrize("modality, mode", KINDS, ids=["-".join(one) for one in KINDS])
async def test_media_flow(server: PageServer, open_page, modality: str, mode: str) -> None:
    page = await open_page(f"{server.url}/{modality}/{mode}")
    if (modality, mode) == ANIMATED:
        await page.page.emulate_media(reduced_motion="no-preference")
    for _ in range(2):
        await page.start()
        await page.flows(*KINDS[modality, mode])
        await expect(page.page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
        await page.stop()
        await expect(page.page.get_by_role("button", name="Start", exact=True)).to_be_visible()


async def test_pages_have_a_heading(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/inputs")
    await expect(page.page.get_by_role("heading", name="Darkroom")).to_be_visible()
    await expect(page.page.get_by_text("Move the slider")).to_be_visible()
    assert await page.page.title() == "Darkroom"


@pytest.mark.parametrize("path", ["audio/send-receive", "video/send-receive", "inputs", "chat"])
async def test_a_telephone_is_wide_enough(server: PageServer, open_page, path: str) -> None:
    page = await open_page(f"{server.url}/{path}")
    await page.page.set_viewport_size({"width": 390, "height": 844})
    assert await page.page.evaluate("document.documentElement.scrollWidth") <= 390
    await expect(page.main).to_be_in_viewport()
