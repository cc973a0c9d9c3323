"""The functions named in `docs/architecture.md` exist, and their order is right."""

import ast
import itertools
import re
from collections import Counter
from pathlib import Path

import fastrtc
from tests.docs.architecture import with_table
from tests.docs.pages import DOCS

SOURCES = Path(fastrtc.__file__).parent
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([\w/]+\.py)` `([\w.]+)` \|", re.MULTILINE)


def functions(path: Path) -> set[str]:
    """The qualified names of the functions and methods of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = (
                n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
            )
            found.update(f"{node.name}.{method.name}" for method in methods)
    return found


def test_each_function_is_there():
    rows = ROW.findall(PAGE)

    assert len(rows) > 5
    for path, name in rows:
        assert name in functions(SOURCES / path), f"{path} has no {name}"


def test_each_file_that_is_named_is_there():
    for path in re.findall(r"`([\w/]+\.py)`", PAGE):
        assert (SOURCES / path).exists(), path


def test_the_body_of_an_offer_comes_back_to_a_package_once_at_most():
    section = PAGE.split("## Processing an offer")[1].split("An offer from the Gradio page")[0]
    way = ROW.findall(section)
    packages = [str(Path(path).parent) for path, _ in way]
    visits = Counter(package for package, _ in itertools.groupby(packages))

    assert max(visits.values()) <= 2 and sum(count == 2 for count in visits.values()) <= 1


def test_the_packages_are_those_of_the_code():
    assert with_table(PAGE) == PAGE, "run python -m tests.docs.architecture"
