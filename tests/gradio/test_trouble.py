"""What a person is told when something is wrong."""

from playwright.async_api import expect

from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import PATIENCE

pytestmark = MARKS


async def test_an_error_of_the_handler_shows_a_toast(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/trouble")
    await page.main.click()
    await expect(page.toast).to_contain_text("The model is asleep", timeout=PATIENCE)
    await page.is_in("failed")
    assert "The model is asleep" in server.complaints()


async def test_a_second_tab_at_the_limit_is_told_so(server: PageServer, open_page) -> None:
    first = await open_page(f"{server.url}/limited")
    second = await open_page(f"{server.url}/limited")
    await first.start()
    await second.main.click()
    await second.is_in("failed")
    await expect(second.page.get_by_role("alert")).to_contain_text("The only place is taken")

    await first.stop()
    await second.start()
    await second.flows("audio_in")
    await second.stop()


async def test_the_api_has_places_of_its_own(server: PageServer, open_page) -> None:
    """A page of Gradio beside the routes of `stream.mount`: each has its connections."""
    page = await open_page(f"{server.url}/limited")
    await page.start()
    refusal = await page.page.evaluate(
        """async () => {
            const sdp = "v=0\\r\\n";
            const body = { sdp, type: "offer", webrtc_id: "of-the-api" };
            const answer = await fetch("/api/webrtc/offer", {
                method: "POST",
                headers: { "content-type": "application/json" },
                body: JSON.stringify(body),
            });
            return [answer.status, await answer.json()];
        }"""
    )
    assert refusal[0] == 400 and "limit" not in str(refusal[1])
    await page.stop()
