"""Every program of the docs starts, and a peer connects to each stream in it.

What a program does beyond that is tested in `test_<page>.py`.
"""

import logging
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI

from fastrtc import Stream
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource

from .media import echo_socket
from .pages import programs

SEND = {"audio": AudioSource, "video": VideoSource}
ROUTES = {"webrtc/offer", "websocket/offer", "telephone/incoming", "telephone/handler"}


@pytest_asyncio.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A service for programs that connect with one as soon as somebody comes."""
    async with echo_socket() as url:
        monkeypatch.setenv("SERVICE_URL", url)
        yield


@pytest.mark.parametrize("name", programs())
@pytest.mark.usefixtures("service")
async def test_program(
    name: str, snippet: Callable[[str], ModuleType], caplog: pytest.LogCaptureFixture
) -> None:
    module = snippet(name)
    for app in find(module, FastAPI):
        check_routes(app)
    for stream in find(module, Stream):
        stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
        await connect(stream)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not errors, [record.getMessage() for record in errors]


def find(module: ModuleType, kind: type) -> list[Any]:
    return list({id(o): o for o in vars(module).values() if isinstance(o, kind)}.values())


async def connect(stream: Stream) -> None:
    """Connect a peer of the stream's modality and mode, as a browser would."""
    media: dict[str, Any] = {}
    for kind in stream.modality.split("-"):
        media[kind] = "recvonly" if stream.mode == "receive" else SEND[kind]()
    async with Client(stream, **media) as client:
        assert client.session is not None


def check_routes(app: FastAPI) -> None:
    """A mounted stream has all of its routes, under one prefix."""
    paths = [str(getattr(route, "path", "")) for route in app.router.routes]
    for prefix in [path.removesuffix("webrtc/offer") for path in paths if "webrtc/offer" in path]:
        assert {prefix + route for route in ROUTES} <= set(paths)
