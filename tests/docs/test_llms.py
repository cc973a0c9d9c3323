"""`docs/llms.txt` is what the pages say now, and leads to them."""

import re
from pathlib import Path

from .llms import INDEX, full, index, write
from .pages import DOCS

LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def test_the_index_is_current() -> None:
    current = INDEX.read_text(encoding="utf-8") == index()
    assert current, "docs/llms.txt is out of date; run python -m tests.docs.llms"


def test_the_full_text_has_the_programs() -> None:
    text = full()
    assert "class Assistant(ReplyOnPause):" in text
    assert "--8<--" not in text


def test_what_it_links_to_is_in_the_site(tmp_path: Path) -> None:
    write(tmp_path)
    for text in [index(), *(page.read_text(encoding="utf-8") for page in tmp_path.glob("*.md"))]:
        for link in LINK.findall(text):
            assert (tmp_path / link).is_file() or is_published(link), link


def is_published(link: str) -> bool:
    """Whether mkdocs makes it: a page as HTML, or a picture."""
    if link.endswith("/"):
        return (DOCS / f"{link[:-1]}.md").is_file()
    return (DOCS / link).is_file() and not link.endswith(".md")
