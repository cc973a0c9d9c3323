"""Write the table of packages in `docs/architecture.md` from the code.

python -m tests.docs.architecture
"""

import ast
import re
from pathlib import Path

import fastrtc
from tests.docs.pages import DOCS

SOURCES = Path(fastrtc.__file__).parent
PAGE = DOCS / "architecture.md"
BEGIN, END = "<!-- packages -->\n", "<!-- end of packages -->"


def layers() -> list[str]:
    """The packages in the order of the import-linter contract, each followed by those within it."""
    settings = (DOCS.parent / "pyproject.toml").read_text(encoding="utf-8")
    contract = settings.split("layers = [")[1].split("\n]")[0]
    tops = re.findall(r"fastrtc\.(\w+)", contract)
    found = []
    for top in tops:
        within = sorted(path.parent for path in (SOURCES / top).rglob("__init__.py"))
        found += [folder.relative_to(SOURCES).as_posix() for folder in within]
    return found


def table() -> str:
    rows = ["| Package | Contents |", "|---|---|"]
    for package in layers():
        tree = ast.parse((SOURCES / package / "__init__.py").read_text(encoding="utf-8"))
        first = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ")
        rows.append(f"| `{package}/` | {first.replace('``', '`')} |")
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
