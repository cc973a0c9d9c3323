"""`python -m tests.docs.site FOLDER`: see whether a built site loads anything from elsewhere."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["loaded_from_elsewhere"]

ELSEWHERE = re.compile(r"(https?:)?//")
IMPORTED = re.compile(r"(?:url\(|@import\s)\s*[\"']?((?:https?:)?//[^\"')\s]+)")
LINKS = frozenset({"canonical", "next", "prev"})


class _Loads(HTMLParser):
    """Collects what a page loads by itself, which is not what it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        address = values.get("src")
        if tag == "link" and values.get("rel") not in LINKS:
            address = values.get("href")
        if address:
            self.addresses.append(address)


def loaded_from_elsewhere(site: Path) -> list[str]:
    """Tell which files load something from another server, and what."""
    found = []
    for page in sorted(site.rglob("*.html")):
        parser = _Loads()
        parser.feed(page.read_text(encoding="utf-8"))
        found += [(page, address) for address in parser.addresses if ELSEWHERE.match(address)]
    for sheet in sorted(site.rglob("*.css")):
        found += [(sheet, address) for address in IMPORTED.findall(sheet.read_text("utf-8"))]
    return [f"{path.relative_to(site)}: {address}" for path, address in found]


if __name__ == "__main__":
    elsewhere = loaded_from_elsewhere(Path(sys.argv[1]))
    print("\n".join(elsewhere) or "the site loads nothing from elsewhere")
    sys.exit(bool(elsewhere))
