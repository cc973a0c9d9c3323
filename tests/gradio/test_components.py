"""Other components of a page: what they give the handler, and what it gives them."""

from playwright.async_api import expect

from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import PATIENCE, StreamPage

pytestmark = MARKS


async def test_a_slider_reaches_the_handler(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/inputs")
    await page.slide("Brightness", 0.5)
    await page.start()
    await page.has_value("Seen", 0.5)
    await page.slide("Brightness", 0.25)
    await page.has_value("Seen", 0.25)
    await page.stop()


async def test_an_input_that_is_sent_on_submit(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/submit")
    sent: list[str] = []
    page.page.on("request", lambda request: sent.append(request.post_data or ""))
    prompt = page.input("Prompt")
    await prompt.fill("first")
    await page.start()
    await page.has_value("Prompts", "first")
    await prompt.fill("unsaid")
    await prompt.fill("second")
    await prompt.press("Enter")
    await page.has_value("Prompts", "first second")
    assert any("second" in body for body in sent)
    assert not any("unsaid" in body for body in sent)
    await page.stop()


async def test_no_output_is_lost(server: PageServer, open_page) -> None:
    """Each adds to what the components show, however fast they come; also when it starts again."""
    page = await open_page(f"{server.url}/own")
    burst = " ".join(f"n{number}" for number in range(20)) + " gain"
    await page.slide("Gain", 7)
    await page.start()
    await page.has_value("Words", burst)
    await page.has_value("Count", 21)
    await page.has_value("Told", 7)
    await page.stop()

    await page.page.get_by_role("button", name="Show state").click()
    await page.has_value("Kept", burst)

    await page.input("Words").fill("edited")
    await page.start()
    await page.has_value("Words", f"edited {burst}")
    await page.has_value("Count", 42)
    await page.stop()


async def test_a_component_that_was_updated_keeps_its_connections(
    server: PageServer, open_page
) -> None:
    page = await open_page(f"{server.url}/own")
    await page.page.get_by_role("button", name="Rename").click()
    await expect(page.page.get_by_role("region", name="Renamed")).to_be_visible(timeout=PATIENCE)
    await page.start()
    await page.flows("audio_out")
    await page.has_value("Count", 21)
    await page.stop()


async def test_a_button_starts_a_stream(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/trigger")
    for steps in (2, 3):
        await page.slide("Steps", steps)
        await page.page.get_by_role("button", name="Generate").click()
        done = page.page.get_by_text(f"Done after {steps}")
        await expect(done).to_be_visible(timeout=PATIENCE)
        await page.is_in("stopped")


async def test_a_typed_text_is_answered(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/chat")
    await say(page, "hello")
    await say(page, "again")
    assert await page.page.get_by_text("hello", exact=True).count() == 1
    await page.stop()


async def test_typing_does_not_ask_for_the_microphone(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/chat")
    closed = await page.main.bounding_box()
    await page.press("Choose devices")
    await expect(page.drawer("Devices").get_by_role("slider")).to_be_visible()
    assert await page.main.bounding_box() == closed
    await page.press("Choose devices")
    await say(page, "hello")
    await expect(page.status).to_have_text("Microphone muted")
    assert await page.page.evaluate("window.peers[0].getSenders()[0].track") is None
    await page.page.get_by_role("button", name="Unmute microphone").click()
    await page.flows("audio_out")
    await page.stop()


async def say(page: StreamPage, text: str) -> None:
    field = page.page.get_by_role("textbox", name="Message")
    await field.fill(text)
    await field.press("Enter")
    reply = page.page.get_by_text(f"{text.upper()}!", exact=True)
    await expect(reply).to_be_visible(timeout=PATIENCE)
    await expect(field).to_have_value("")
