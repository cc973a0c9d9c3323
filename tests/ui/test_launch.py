"""What runs around the server of a launched page."""

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from fastrtc import WebRTC
from fastrtc.ui.launch import at_end_of_launch


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
