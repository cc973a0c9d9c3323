"""Every program of `docs/gradio.md` runs, on Gradio 5 as on 6."""

import runpy
from pathlib import Path

import gradio as gr
import pytest

PROGRAMS = sorted((Path(__file__).parents[2] / "docs" / "src" / "gradio").glob("*.py"))


def test_there_are_programs():
    assert len(PROGRAMS) >= 6


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
async def test_a_program_runs(program: Path, monkeypatch: pytest.MonkeyPatch):
    launched: list[gr.Blocks] = []
    monkeypatch.setattr(gr.Blocks, "launch", lambda page, **_: launched.append(page))
    names = runpy.run_path(str(program), run_name="__main__")
    pages = launched or [names["stream"].ui]
    assert pages[0].get_config_file()
