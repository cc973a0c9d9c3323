"""Every snippet of `docs/gradio.md` runs."""

import re
from pathlib import Path

import gradio as gr
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "gradio.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_there_are_snippets():
    assert len(SNIPPETS) >= 6


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
async def test_a_snippet_runs(number: int, monkeypatch: pytest.MonkeyPatch):
    launched: list[gr.Blocks] = []
    monkeypatch.setattr(gr.Blocks, "launch", lambda page, **_: launched.append(page))
    names: dict = {}
    exec(compile(SNIPPETS[number], f"docs/gradio.md, snippet {number}", "exec"), names)
    if ".launch()" in SNIPPETS[number]:
        assert launched and launched[0].get_config_file()
