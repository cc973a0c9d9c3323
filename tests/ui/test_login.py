"""Routes beside a launched page are behind its login."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fastrtc import Stream
from tests.webrtc.handlers import AsyncAudioEcho

PATHS = ("fastrtc/debug", "fastrtc/debug/state")


@pytest.fixture
def launch() -> Any:
    streams = []

    def launch(**options: Any) -> str:
        stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False, debug=True)
        streams.append(stream)
        _, url, _ = stream.ui.launch(prevent_thread_lock=True, quiet=True, **options)
        return url

    yield launch
    for stream in streams:
        stream.ui.close()


async def statuses(client: httpx.AsyncClient) -> set[int]:
    return {(await client.get(path)).status_code for path in PATHS}


async def test_only_those_who_have_logged_in_see_the_debug_page(
    launch: Callable[..., str],
) -> None:
    async with httpx.AsyncClient(base_url=launch(auth=("name", "word"))) as client:
        assert await statuses(client) == {401}
        login = await client.post("login", data={"username": "name", "password": "word"})
        assert login.status_code == 200
        assert await statuses(client) == {200}


async def test_a_page_without_a_login_is_open(launch: Callable[..., str]) -> None:
    async with httpx.AsyncClient(base_url=launch()) as client:
        assert await statuses(client) == {200}
