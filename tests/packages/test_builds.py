"""What Vite and Next.js make of an application with the packages."""

from pathlib import Path

import pytest

from tests.support.npm import BUILD_WITHIN

pytestmark = [pytest.mark.external("npm"), pytest.mark.timeout(BUILD_WITHIN)]

OF_THE_CLIENT = "The server cannot be reached. Is it running?"


@pytest.mark.parametrize("scripts", ["vite/dist/assets", "next/out/_next/static"])
def test_the_client_is_in_it_once(apps: Path, scripts: str) -> None:
    texts = [script.read_text() for script in (apps / scripts).rglob("*.js")]
    assert sum(text.count(OF_THE_CLIENT) for text in texts) == 1


def test_next_renders_the_page(apps: Path) -> None:
    page = (apps / "next/out/index.html").read_text()
    assert '<button type="button" class="fastrtc-button" data-state="idle"' in page
    assert ">Ready</p>" in page
