"""What runs around the server of a launched page."""

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from fastrtc import WebRTC
from fastrtc.transport.cross_site import SitePolicy
from fastrtc.ui.launch import at_end_of_launch, guard_launch
from tests.support.connections import connections_of


@pytest.mark.parametrize("with_lifespan", [True, False])
async def test_the_end_comes_within_the_callers_own(with_lifespan: bool):
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any):
        seen.append("begins")
        yield {"state": app}
        seen.append("ends")

    async def end() -> None:
        seen.append("end")

    blocks = SimpleNamespace(launch=lambda *args, **kwargs: (args, kwargs))
    at_end_of_launch(blocks, end)
    given = {"app_kwargs": {"lifespan": lifespan}} if with_lifespan else {}
    args, kwargs = blocks.launch(True, quiet=True, **given)
    assert (args, kwargs["quiet"]) == ((True,), True)
    async with kwargs["app_kwargs"]["lifespan"]("app") as state:
        assert state == ({"state": "app"} if with_lifespan else None)
    assert seen == (["begins", "ends", "end"] if with_lifespan else ["end"])


async def test_connections_of_a_component_end_with_its_page(monkeypatch: pytest.MonkeyPatch):
    ended: list[str] = []
    monkeypatch.setattr(gr.Blocks, "launch", lambda page, **options: options)
    with gr.Blocks() as page:
        made = WebRTC()

        async def close_sessions() -> None:
            ended.append("closed")

        monkeypatch.setattr(made, "close_sessions", close_sessions)
        made.stream(lambda frame: frame, [made])
    async with page.launch()["app_kwargs"]["lifespan"]("app"):
        assert not ended
    assert ended == ["closed"]
    assert not connections_of(made).registry.stopping, "it may be launched again"


# The names of a server on a loopback address


def page_with(options: dict[str, Any], **given: Any) -> tuple[Any, dict[str, Any]]:
    """A page, and what Gradio's own ``launch`` is given."""

    def launch(
        inline: Any = None, server_name: Any = None, app_kwargs: Any = None, quiet: bool = False
    ) -> dict[str, Any]:
        return {"server_name": server_name, "app_kwargs": app_kwargs}

    page = SimpleNamespace(launch=launch, **given)
    guard_launch(page, lambda: SitePolicy(local=True, machine={"laptop"}))
    return page, page.launch(**options)


async def status(middleware: list[Any], host: str) -> int:
    app = FastAPI(middleware=middleware)

    @app.get("/")
    def read() -> None: ...

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
        return (await http.get("/")).status_code


@pytest.mark.parametrize("name", [None, "127.0.0.1", "localhost", "::1"])
async def test_a_page_on_loopback_refuses_foreign_names(
    name: str | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    own = Middleware(GZipMiddleware)
    page, options = page_with(
        {"server_name": name, "app_kwargs": {"middleware": [own], "title": "Mine"}},
        share_url=None,
        root_path="https://proxied.example/voice",
    )
    assert options["server_name"] == name and options["app_kwargs"]["title"] == "Mine"
    middleware = options["app_kwargs"]["middleware"]
    assert own in middleware
    for host in ("127.0.0.1:7860", "localhost", "laptop:7860", "proxied.example"):
        assert await status(middleware, host) == 200, host
    assert await status(middleware, "evil.example:7860") == 403
    assert await status(middleware, "abc.gradio.live") == 403
    page.share_url = "https://abc.gradio.live"  # known once the tunnel is open
    assert await status(middleware, "abc.gradio.live") == 200


@pytest.mark.parametrize(
    ("argument", "variable"), [("0.0.0.0", None), ("192.168.0.5", None), (None, "0.0.0.0")]
)
def test_a_page_that_others_reach_has_unguessable_names(
    argument: str | None, variable: str | None, monkeypatch: pytest.MonkeyPatch
):
    if variable is not None:
        monkeypatch.setenv("GRADIO_SERVER_NAME", variable)
    _, options = page_with({"server_name": argument})
    assert options["app_kwargs"] is None
