"""A page in Chromium whose microphone plays a sound, for the programs that record it."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page, async_playwright

from tests.gradio.conftest import FLAGS
from tests.support.programs import require_program
from tests.support.speech import write_wav


@asynccontextmanager
async def page_with_microphone(sound: np.ndarray, **options: Any) -> AsyncIterator[Page]:
    """Open a browser, whose microphone plays the sound once, and a page.

    Args:
        sound: Mono, 48 kHz.
        **options: Those of Playwright's `new_page`.
    """
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder, "microphone.wav")
        write_wav(microphone, 48_000, sound)
        media = (
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
        )
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=require_program("chromium"), args=[*FLAGS, *media]
            )
            page = await browser.new_page(**options)
            yield page
            await browser.close()
