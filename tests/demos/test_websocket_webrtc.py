"""One voice over both: each comes back, and the page says how much later."""

from tests.demos.running import MARKS
from tests.support.speech import recorded_prompt

pytestmark = MARKS


async def test_both_are_measured(start_demo, open_page) -> None:
    goodbye = recorded_prompt("vm-goodbye")
    demo = start_demo("websocket_webrtc")
    page = await open_page(demo.url, says=goodbye, again=0.6)
    await page.start()
    for way in ("webrtc", "websocket"):
        later = f"parseInt(document.querySelector('.{way} .later').textContent)"
        await page.wait_for(f"{later} > 20")
        await page.wait_for(
            f"document.querySelector('.{way} .stats').textContent.includes('bit/s')"
        )
    await page.hears(goodbye)
    await page.picture("websocket_webrtc")
