"""The pages show only code that is run."""

from pathlib import Path

import pytest

from .pages import CODE, DOCS, README, SOURCES, blocks, included

PAGES = sorted(path for path in DOCS.rglob("*.md") if "screens" not in path.parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_code_is_included(page: Path) -> None:
    written = [
        f"{page.name}:{b.line}" for b in blocks(page) if b.language in CODE and not b.include
    ]
    assert not written, f"code that is not an include of a file of docs/src: {written}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_includes_exist(page: Path) -> None:
    for block in blocks(page):
        if (include := block.include) is None:
            continue
        source = SOURCES / include["path"]
        assert source.is_file(), f"{page.name}:{block.line}: there is no {source}"
        if section := include["section"]:
            text = source.read_text(encoding="utf-8")
            assert f"--8<-- [start:{section}]" in text, f"{source.name} has no section {section}"
            assert f"--8<-- [end:{section}]" in text, f"{source.name}: {section} does not end"


def test_every_file_is_shown() -> None:
    shown = set[str]().union(*map(included, PAGES))
    there = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    unused = {path for path in there - shown if not path.startswith("readme/")}
    assert not unused, "files that no page includes"


def test_readme_shows_its_files() -> None:
    """GitHub has no includes, so the blocks of README.md are copies of `docs/src/readme/*`."""
    files = {
        path.read_text(encoding="utf-8").strip(): path.name
        for path in (SOURCES / "readme").glob("*")
        if path.is_file()
    }
    shown = {block.text.strip(): block.line for block in blocks(README) if block.language in CODE}
    strangers = [line for text, line in shown.items() if text not in files]
    assert not strangers, f"blocks of README.md that are no file of docs/src/readme: {strangers}"
    unused = [name for text, name in files.items() if text not in shown]
    assert not unused, f"files of docs/src/readme that README.md does not show: {unused}"
