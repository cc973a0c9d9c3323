"""What runs around the lifespan of an app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from fastrtc.server.lifespan import enclosed, ending


@pytest.fixture
def trace() -> list[str]:
    return []


async def test_a_lifespan_runs_within_and_its_state_is_passed_on(trace: list[str]):
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        trace.append(f"start of {app}")
        yield {"model": 1}
        trace.append("end")

    async def end() -> None:
        trace.append("ended")

    async with enclosed(lifespan, partial(ending, end))("app") as state:
        assert state == {"model": 1} and trace == ["start of app"]
    assert trace == ["start of app", "end", "ended"]


async def test_there_need_be_none(trace: list[str]):
    async def end() -> None:
        trace.append("ended")

    with pytest.raises(ValueError, match="of the app"):
        async with enclosed(None, partial(ending, end))("app") as state:
            assert state is None and not trace
            raise ValueError("of the app")
    assert trace == ["ended"]
