"""The pages for language models: `python -m tests.docs.llms` writes `docs/llms.txt`, an index.

`python -m tests.docs.llms site` also writes the files that the index links to into the built site:
the pages as Markdown with their programs, and all of them in one file, `llms-full.txt`. The format
is that of https://llmstxt.org.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .pages import DOCS, INCLUDE, ROOT, SOURCES

__all__ = ["INDEX", "full", "index", "write"]

INDEX = DOCS / "llms.txt"
HEAD = """# fastrtc

> Turn a Python function into a real-time audio or video stream over WebRTC, WebSocket or
> the telephone. A new implementation of FastRTC 0.0.34's public API.

- `pip install ".[vad]"` in a clone of the repository for conversations, `".[vad,stt,tts]"` to add
  speech to text and text to speech. `fastrtc` on PyPI is still FastRTC 0.0.34.
- `Stream(handler, modality=..., mode=...)`, then `stream.ui.launch()`, `stream.mount(app)` or
  `stream.fastphone()`. `ReplyOnPause(fn)` is the handler for a conversation: `fn` is a generator
  function that receives `(rate, samples)` and yields the same.
- Audio is `(rate, samples)` with `int16` or `float32` samples; video frames are BGR `uint8` arrays
  of shape `(height, width, 3)`.
- All pages in one file: [llms-full.txt](llms-full.txt)
"""
LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
REFERENCE = re.compile(r"(?<=\]\()reference/([\w-]+)\.md")
"""A link to a page generated from docstrings, which the site has as HTML only."""


def index() -> str:
    """Return the index: each page with its first paragraph, grouped by the sections of the site."""
    parts = [HEAD]
    for section, pages in _sections():
        parts.append(f"\n## {section}\n\n")
        for title, path in pages:
            summary = _summary(DOCS / path)
            parts.append(f"- [{title}]({path})" + (f": {summary}\n" if summary else "\n"))
    return REFERENCE.sub(r"reference/\1/", "".join(parts))


def full() -> str:
    """Return all hand-written pages, with their programs in place of the includes."""
    return "\n\n".join([HEAD, *_pages().values()])


def write(site: Path) -> None:
    """Write the hand-written pages into a built site: each of them, and all in one file."""
    (site / "llms-full.txt").write_text(full(), encoding="utf-8")
    for path, text in _pages().items():
        (site / path).write_text(text, encoding="utf-8")


def _pages() -> dict[str, str]:
    """Return the hand-written pages by their paths below `docs`."""
    paths = [path for _, pages in _sections() for _, path in pages if "reference/" not in path]
    texts = {path: _included((DOCS / path).read_text(encoding="utf-8")) for path in paths}
    return {path: REFERENCE.sub(r"reference/\1/", text) for path, text in texts.items()}


def _sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav: list[dict[str, Any]] = yaml.safe_load("nav:" + settings.partition("\nnav:")[2])["nav"]
    for entry in nav:
        ((title, content),) = entry.items()
        if isinstance(content, str):
            yield title, [(title, content)]
        else:
            yield title, [item for page in content for item in page.items()]


def _summary(page: Path) -> str:
    """Return the first paragraph of a page as plain text on one line."""
    paragraphs = page.read_text(encoding="utf-8").split("\n\n")
    texts = (text for text in paragraphs if re.match(r"[\w*`\"\[]", text))
    return LINK.sub(r"\1", " ".join(next(texts, "").split()))


def _included(text: str) -> str:
    return "\n".join(
        _without_marks(SOURCES / match["path"], match["section"])
        if (match := INCLUDE.match(line))
        else line
        for line in text.splitlines()
    )


def _without_marks(source: Path, section: str | None) -> str:
    """Return a program, or the section of it that the page includes."""
    text = source.read_text(encoding="utf-8")
    if section:
        text = text.partition(f"[start:{section}]")[2].partition(f"[end:{section}]")[0]
        text = text.partition("\n")[2]
    lines = text.splitlines()
    return "\n".join(line for line in lines if "--8<--" not in line)


if __name__ == "__main__":
    INDEX.write_text(index(), encoding="utf-8")
    for folder in sys.argv[1:]:
        write(Path(folder))
