"""The pages below `docs/` and README.md, the code blocks in them, and the files these come from."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

__all__ = [
    "CODE",
    "DOCS",
    "README",
    "ROOT",
    "SOURCES",
    "Block",
    "blocks",
    "included",
    "load",
    "programs",
]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SOURCES = DOCS / "src"
README = ROOT / "README.md"

CODE = frozenset({"python", "py", "html", "js", "javascript", "jsx", "ts", "tsx", "typescript"})
"""Languages whose blocks are included; commands, data and settings may stand in the page."""

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<language>[\w+-]*)")
INCLUDE = re.compile(r'^\s*-{1,}8<-{1,} "(?P<path>[^":]+)(?::(?P<section>[\w-]+))?"\s*$')


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int
    language: str
    text: str

    @property
    def include(self) -> re.Match[str] | None:
        """The include, if the block consists of one."""
        return INCLUDE.match(self.text)


def blocks(page: Path) -> Iterator[Block]:
    """Give the fenced blocks of a page."""
    opened: re.Match[str] | None = None
    start, body = 0, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None:
            if fence:
                opened, start, body = fence, number, []
        elif line.strip() == opened["fence"]:
            yield Block(start, opened["language"], "\n".join(body))
            opened = None
        else:
            body.append(line.removeprefix(opened["indent"]))
    assert opened is None, f"{page.name}:{start}: the block is not closed"


def included(page: Path) -> set[str]:
    """The files below `docs/src` that a page includes, as posix paths."""
    found = (INCLUDE.match(line) for line in page.read_text(encoding="utf-8").splitlines())
    return {match["path"] for match in found if match}


def programs() -> list[str]:
    """The Python programs below `docs/src`, as posix paths."""
    return sorted(path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.py"))


def load(name: str) -> ModuleType:
    """Run a program of `docs/src` as an import of it would, under a name of its own."""
    path = SOURCES / name
    module_name = "docs_src_" + re.sub(r"\W", "_", name.removesuffix(".py"))
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # pydantic and dataclasses look their annotations up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module
