"""Links between the Markdown files of the repository lead somewhere, as GitHub shows them."""

import re
from pathlib import Path

import pytest

from .pages import FENCE, ROOT

FILES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "demo/**/*.md", "benchmarks/*.md", "frontend/*.md")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts
)
GENERATED = "<!-- Written by frontend/"
"""The beginning of pages whose links `tests.docs.site` checks in the built site."""
ANCHOR = re.compile(r'\{ #([\w.]+)|\bid="([\w.]+)"')
LINK = re.compile(r"""\]\((?!\w+:)([^)\s]*)\)|\b(?:href|src)="(?!\w+:)([^"]*)\"""")
HEADING = re.compile(r"#+ +(.*)")
MARKUP = re.compile(r"\[([^]]*)\]\([^)]*\)|[`*]")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(file: Path) -> None:
    for link in links(file):
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.exists(), f"{file.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{file.name}: {link}"


def prose(file: Path) -> list[str]:
    """The lines that are in no block of code."""
    lines, fence = [], ""
    for line in file.read_text(encoding="utf-8").splitlines():
        opened = FENCE.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif opened:
            fence = opened["fence"]
        else:
            lines.append(line)
    return lines


def links(file: Path) -> list[str]:
    if GENERATED in file.read_text(encoding="utf-8"):
        return []
    return ["".join(found) for line in prose(file) for found in LINK.findall(line)]


def anchors(file: Path) -> set[str]:
    headings = [found[1] for line in prose(file) if (found := HEADING.match(line))]
    plain = [MARKUP.sub(r"\1", heading).strip().lower() for heading in headings]
    given = {"".join(found) for line in prose(file) for found in ANCHOR.findall(line)}
    return given | {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in plain}


def test_the_files_are_found() -> None:
    assert {"README.md", "faq.md"} <= {file.name for file in FILES}
    assert "any-llm-with-a-memory" in anchors(ROOT / "docs/cookbook.md")
