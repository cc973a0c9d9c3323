"""Live transcription, against a stand-in of the service."""

from collections.abc import Callable

import numpy as np

from fastrtc.audio.resample import StreamResampler
from tests.browser.media import align, envelope
from tests.demos.running import MARKS
from tests.demos.stand_ins.openai_chat import openai_service
from tests.support.speech import recorded_prompt, trimmed

pytestmark = MARKS


async def test_it_writes_down_what_is_said(start_demo: Callable, open_page: Callable) -> None:
    said = recorded_prompt("vm-goodbye")
    with openai_service() as service:
        service.texts = ["Goodbye."] + ["And goodbye again."] * 9  # a slow page hears more
        demo = start_demo("whisper_transcription", **service.variables)
        page = await open_page(demo.url, says=said, again=2.5)
        await page.start()
        await page.shows("Goodbye.")
        await page.shows("And goodbye again.")
        await page.picture("whisper_transcription")
        await page.press("Stop")
    for upload in service.uploads:
        assert upload.file_name == "speech.mp3"
        heard = StreamResampler(upload.rate, 48_000).process(upload.samples[np.newaxis])[0]
        assert align(envelope(trimmed(said)), envelope(heard))[1] > 0.7
