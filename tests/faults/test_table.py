"""`docs/faults.md` has no row without a test."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "faults.md"
ROWS = [
    line
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not re.search(r"\| Tests? \|$", line)
]
REFERENCE = re.compile(r"`(?P<file>[\w/]+\.py)(?P<names>(::\w+)+)(\[\w+\])?`")


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip()[:40] for row in ROWS])
def test_each_row_names_tests_that_there_are(row: str) -> None:
    last = row.rstrip(" |").rpartition("|")[2]
    found = list(REFERENCE.finditer(last))
    assert found or last.strip() == "the same"
    for reference in found:
        source = (TESTS / reference["file"]).read_text(encoding="utf-8")
        for name in reference["names"].split("::")[1:]:
            assert re.search(rf"(def|class) {name}\b", source), f"there is no {reference[0]}"
