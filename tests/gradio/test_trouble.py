"""What a person is told when something is wrong."""

import re

import pytest
from playwright.async_api import expect

from tests.faults.over_http import HttpClient
from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import PATIENCE
from tests.support.peers import AudioSource, eventually, tone

pytestmark = MARKS


async def test_an_error_of_the_handler_shows_a_toast(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/trouble")
    await page.main.click()
    await expect(page.toast).to_contain_text("The model is asleep", timeout=PATIENCE)
    assert "The model is asleep" in server.complaints()
    await page.is_in("connected")
    await page.stop()


async def test_a_second_tab_at_the_limit_is_told_so(server: PageServer, open_page) -> None:
    first = await open_page(f"{server.url}/limited")
    second = await open_page(f"{server.url}/limited")
    await first.start()
    await second.main.click()
    await second.is_in("failed")
    await expect(second.page.get_by_role("alert")).to_contain_text("The stream is in use")

    await first.stop()
    await second.start()
    await second.flows("audio_in")
    await second.stop()


async def test_the_token_in_the_address_of_a_page(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/token")
    await page.main.click()
    await page.is_in("failed")
    await page.says("The server does not let you connect: A token is required.")

    response = await page.page.request.get(f"{server.url}/issue")
    page = await open_page(f"{server.url}/token?token={(await response.json())['token']}")
    await page.start()
    await expect(page.toast).to_contain_text("Hello, Ada")
    await page.flows("audio_out", "audio_in")
    await page.stop()
    await page.main.click()  # a token is for one connection
    await page.is_in("failed")
    await page.says("The server does not let you connect: The token was used before.")


@pytest.mark.parametrize(
    "status, sentence",
    [(503, "The server is not available right now"), (401, "You may have to log in first")],
)
async def test_what_a_proxy_or_the_login_says_is_told(
    server: PageServer, open_page, status: int, sentence: str
) -> None:
    """Gradio hides it from the component, which asks once more by itself."""
    page = await open_page(f"{server.url}/limited")
    await page.page.route(
        re.compile("/gradio_api/(component_server|login_check)"),
        lambda route: route.fulfill(status=status),
    )
    await page.main.click()
    await page.is_in("failed")
    await expect(page.page.get_by_role("alert")).to_contain_text(sentence)


async def test_the_api_has_places_of_its_own(server: PageServer, open_page) -> None:
    """A page of Gradio beside the routes of `stream.mount`: each has its connections."""
    page = await open_page(f"{server.url}/limited")
    await page.start()
    async with HttpClient(f"{server.url}/api", audio=AudioSource(tone(60))) as peer:
        await eventually(peer.loud)
        another = HttpClient(f"{server.url}/api", audio=AudioSource())
        refusal = await another.call()
        await another.close()
        assert refusal["meta"] == {"error": "concurrency_limit_reached", "limit": 1}
        await page.flows("audio_out", "audio_in")
    await page.stop()


async def test_the_time_limit(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/brief")
    await page.watch()
    for times in (1, 2):
        await page.main.click()
        await page.page.wait_for_function(
            "times => seen.states.filter((one) => one === 'stopped').length === times",
            arg=times,
            timeout=PATIENCE,
        )
        await page.says("The time limit of the stream has been reached. Start again to continue.")
    assert (await page.seen("states")).count("connected") == 2


async def test_no_way_to_the_server(server: PageServer, open_page) -> None:
    """All is to go through a TURN server that is not there, and there is no WebSocket audio."""
    page = await open_page(f"{server.url}/relay", new_visitor=True)
    await page.page.evaluate("window.AudioWorkletNode = undefined")
    await page.page.clock.install()
    await page.main.click()
    await page.page.wait_for_function(
        "window.peers.at(-1)?.remoteDescription", timeout=PATIENCE, polling=100
    )
    await page.page.clock.fast_forward(31_000)
    await page.is_in("failed")
    await page.says("No route to the server was found")
