"""`python -m tests.docs.site FOLDER`: check a built site.

It loads nothing from elsewhere; the signatures of its reference have types, and their links, which
mkdocs does not check, lead somewhere.
"""

import functools
import html
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["broken_links", "loaded_from_elsewhere", "signatures_without_types"]

ELSEWHERE = re.compile(r"(https?:)?//")
IMPORTED = re.compile(r"(?:url\(|@import\s)\s*[\"']?((?:https?:)?//[^\"')\s]+)")
LINKS = frozenset({"canonical", "next", "prev"})
SIGNATURE = re.compile(r'<div class="doc-signature highlight">(.*?)</div>', re.DOTALL)
TAG = re.compile(r"<[^>]+>")
LINK = re.compile(r'<a [^>]*\bhref="(?!\w+:)([^"#]*)#([^"]+)"')
ANCHOR = re.compile(r'\bid="([^"]+)"')
TYPED = re.compile(r"->|: |^[A-Z]\w*\(\)$")
"""A function says what it returns; a class, or an attribute, what it has."""


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


def signatures_without_types(site: Path) -> list[str]:
    """Return the signatures of the reference that say no type, with their pages."""
    found = []
    for page in sorted((site / "reference").rglob("*.html")):
        for signature in SIGNATURE.findall(page.read_text(encoding="utf-8")):
            text = " ".join(html.unescape(TAG.sub("", signature)).split())
            if not TYPED.search(text):
                found.append(f"{page.relative_to(site)}: {text}")
    return found


def broken_links(site: Path) -> list[str]:
    """Return the links of the reference to anchors that are not there, with their pages."""

    @functools.cache
    def anchors(page: Path) -> set[str]:
        return set(ANCHOR.findall(page.read_text(encoding="utf-8"))) if page.is_file() else set()

    found = []
    for page in sorted((site / "reference").rglob("*.html")):
        for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / path).resolve() if path else page
            if html.unescape(anchor) not in anchors(target / "index.html" if path else target):
                found.append(f"{page.relative_to(site)}: {path}#{anchor}")
    return found


if __name__ == "__main__":
    built = Path(sys.argv[1])
    elsewhere, untyped = loaded_from_elsewhere(built), signatures_without_types(built)
    broken = broken_links(built)
    print("\n".join(elsewhere) or "the site loads nothing from elsewhere")
    print("\n".join(untyped) or "the signatures of the reference have types")
    print("\n".join(broken) or "the links of the reference lead somewhere")
    sys.exit(bool(elsewhere or untyped or broken))
