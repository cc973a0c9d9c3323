"""The tests in `docs/testing.md` pass."""

import inspect
from typing import get_args

import pytest

from fastrtc.testing import Call
from fastrtc.testing.lines import Over

from .pages import SOURCES

FILES = sorted(path.name for path in (SOURCES / "testing").glob("*.py"))


@pytest.mark.external("espeak-ng")
@pytest.mark.parametrize("name", FILES)
async def test_of_the_page(name: str, snippet) -> None:
    module = snippet(f"testing/{name}")
    tests = [test for found, test in vars(module).items() if found.startswith("test_")]
    assert tests
    for test in tests:
        parameters = [*inspect.signature(test).parameters]
        for over in get_args(Over) if parameters == ["over"] else ("memory",):
            await test(**{name: {"call": Call, "over": over}[name] for name in parameters})
