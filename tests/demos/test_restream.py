"""`demo/restream`: ffmpeg sends over WHIP, and a page sees and hears it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.demos.running import MARKS
from tests.protocols.whip.publish import HAS_WHIP, sending
from tests.support.certificates import write_certificate
from tests.support.peers import eventually
from tests.webrtc.handlers import frequency

pytestmark = [*MARKS, pytest.mark.skipif(not HAS_WHIP, reason="PyAV is too old for WHIP")]

RED_ON_TOP = """() => {
    const video = document.querySelector("video"), canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, video.videoWidth, 9, 0, 0, 1, 1);
    const [red, , blue] = context.getImageData(0, 0, 1, 1).data;
    return red > 150 && blue < 90;
}"""


async def test_a_page_watches_what_ffmpeg_sends(
    start_demo: Callable, open_page: Callable, tmp_path: Path
) -> None:
    write_certificate(tmp_path)
    demo = start_demo("restream")
    async with sending(f"{demo.url}/studio/whip", tmp_path) as ffmpeg:
        page = await open_page(demo.url)
        await page.start()
        await page.sees_video()
        await page.wait_for(f"({RED_ON_TOP})()")
        heard = np.zeros(0)
        while len(heard) < 24000 or abs(frequency(heard) - 440) > 10 or heard.max() < 1000:
            heard = (await page.heard(1.0))[-24000:]
        await page.picture("restream")
        ffmpeg.stdin.close()
        assert await ffmpeg.wait() == 0
    await eventually(lambda: "DELETE /studio/whip/" in demo.log.read_text())
