"""The demos with pages of their own, each as a program of its own; tests/browser looks closer."""

from pathlib import Path

import pytest

from tests.demos.running import MARKS
from tests.demos.street import write_street
from tests.support.speech import recorded_prompt

pytestmark = MARKS


@pytest.fixture
def street(tmp_path: Path) -> Path:
    write_street(tmp_path / "street.mjpeg")
    return tmp_path / "street.mjpeg"


@pytest.mark.parametrize("name", ["video_flip", "receive_video"])
async def test_pictures_come(start_demo, open_page, street: Path, name: str) -> None:
    page = await open_page(start_demo(name).url, camera=street)
    await page.start()
    await page.sees_video(30)
    await page.picture(name)


@pytest.mark.parametrize("name", ["receive_audio", "receive_both"])
async def test_a_tune_comes(start_demo, open_page, name: str) -> None:
    page = await open_page(start_demo(name).url)
    await page.start()
    await page.wait_for("heard(20).length > 200_000 && /[^A]{20}/.test(heard(1))")
    await page.picture(name)


async def test_voice_and_picture_come_back(start_demo, open_page, street: Path) -> None:
    goodbye = recorded_prompt("vm-goodbye")
    page = await open_page(start_demo("audio_video").url, says=goodbye, again=1.0, camera=street)
    await page.start()
    await page.hears(goodbye)
    await page.sees_video()
    await page.picture("audio_video")


async def test_what_was_said_is_said_again(start_demo, open_page) -> None:
    goodbye = recorded_prompt("vm-goodbye")
    page = await open_page(start_demo("taking_turns").url, says=goodbye, again=3.0)
    await page.start()
    await page.hears(goodbye)
    await page.picture("taking_turns")


async def test_what_was_said_is_said_again_over_a_websocket(start_demo, open_page) -> None:
    page = await open_page(
        start_demo("websocket_echo").url, says=recorded_prompt("vm-goodbye"), again=3.0
    )
    await page.press("Start")
    await page.wait_for("document.querySelector('.demo').dataset.turn === 'speaking'")
    await page.picture("websocket_echo")
