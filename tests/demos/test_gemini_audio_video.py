"""`demo/gemini_audio_video`, with a stand-in of the service on this machine."""

from pathlib import Path

import pytest
from PIL import Image

from tests.demos.running import MARKS
from tests.demos.stand_ins.gemini_live import HEARS, SPEAKS, gemini_live
from tests.demos.voices import hears_sound
from tests.support.peers import eventually
from tests.support.speech import find_in, recorded_prompt, trimmed

pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]
GREEN = (20, 160, 60)


def voice(name: str, rate: int):
    return trimmed(recorded_prompt(name, rate), rate)


async def test_it_sees_the_camera_and_a_picture(start_demo, open_page, tmp_path: Path):
    Image.new("RGB", (1200, 800), GREEN).save(tmp_path / "green.png")
    async with gemini_live(tmp_path, voice("auth-thankyou", SPEAKS)) as service:
        demo = start_demo("gemini_audio_video", **service.variables)
        page = await open_page(demo.url, says=voice("hello-world", 48_000), again=3.0)
        await page.page.locator("input[type=file]").set_input_files(tmp_path / "green.png")
        await (
            page.page.get_by_role("img", name="uploaded")
            .or_(page.page.locator("img[src*='green']"))
            .first.wait_for()
        )
        await page.start()
        await page.sees_video()
        await hears_sound(page, voice("auth-thankyou", 48_000))  # at last: pictures are much work
        await eventually(lambda: service.sessions[0].pictures[2:])
        await page.picture("gemini_audio_video")
        await page.press("Stop")
        await eventually(lambda: service.sessions[0].ended)

    (session,) = service.sessions
    camera = session.pictures[0]
    given = [one for one in session.pictures if _near(one, (0.5, 0.5), GREEN)]
    assert [one.size for one in given] == [(768, 512)]  # once, and smaller
    assert _near(camera, (0.5, 0.1), (254, 0, 0)) and _near(camera, (0.5, 0.9), (0, 0, 255))
    assert find_in(session.ear.samples, voice("hello-world", HEARS)).likeness > 0.5
    assert not service.refused


def _near(picture: Image.Image, place: tuple[float, float], colour: tuple[int, ...]) -> bool:
    """Whether a picture has a colour at a place (0 to 1 of its width and height)."""
    at = tuple(int(share * size) for share, size in zip(place, picture.size, strict=True))
    return max(abs(a - b) for a, b in zip(picture.getpixel(at), colour, strict=True)) < 50
