"""What there is to know of a closed set is all told: codes, options, public names."""

import dataclasses
import re

import pytest

import fastrtc
from fastrtc import AlgoOptions, UIArgs

from .pages import DOCS, ROOT

SOURCE = ROOT / "src" / "fastrtc"
CLIENT = [ROOT / "frontend/client/sentences.ts", ROOT / "frontend/client/devices.ts"]
VARIES = re.compile(r"[$]?\{[^{}\n]*\}|microphone|vad|video|\W")
"""What differs from one message to the next, and what a source escapes."""
REFUSED = re.compile(r'SessionRefused\(\s*"(\w+)"')
LOGGED = re.compile(r'self.say\("(\w+)"\)')
ENDED = re.compile(
    r'(?:_TooMuch\(|on_abuse\(|_session\.close\(|reason: str = |return )"([A-Z]\w+ [^"]*)"'
)


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def in_source(pattern: re.Pattern[str]) -> set[str]:
    found: set[str] = set()
    for module in SOURCE.rglob("*.py"):
        found.update(pattern.findall(module.read_text(encoding="utf-8")))
    return found


def untold(names: set[str], text: str) -> list[str]:
    return sorted(name for name in names if f"`{name}`" not in text)


def test_refusals() -> None:
    codes = in_source(REFUSED)
    assert "concurrency_limit_reached" in codes
    assert not untold(codes, page("api"))


def test_why_a_stream_is_ended() -> None:
    reasons = in_source(ENDED)
    assert {"Stream ended", "Time limit reached", "The data channel failed"} <= reasons
    assert not untold(reasons, page("api"))


def test_failures_of_the_client() -> None:
    types = (SOURCE / "static" / "fastrtc.d.ts").read_text(encoding="utf-8")
    union = re.search(r"type ErrorCode = ([^;]*);", types)
    assert union is not None
    codes = set(re.findall(r'"(\w+)"', union[1]))
    assert "ice_failed" in codes
    assert not untold(codes, page("client") + page("api"))


def test_logs_of_a_conversation() -> None:
    logs = in_source(LOGGED)
    assert "pause_detected" in logs
    assert not untold(logs, page("api"))


def test_troubleshooting_quotes_what_is_said() -> None:
    """What stands in code in the first column is in the page, the client core or the server."""
    said = "".join(path.read_text(encoding="utf-8") for path in CLIENT)
    said += "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    said = VARIES.sub("", re.sub(r'"\s*f"', "", said))
    quoted = [
        quote
        for row in re.findall(r"^\| (?!What you see)(.+?) \| ", page("troubleshooting"), re.M)
        for quote in re.findall(r"`([^`]+ [^`]+)`", row)
    ]
    assert len(quoted) > 15
    assert not [quote for quote in quoted if VARIES.sub("", quote) not in said]


def test_options() -> None:
    algo_options = {field.name for field in dataclasses.fields(AlgoOptions)}
    assert not untold(algo_options, page("turn-taking"))
    assert not untold(set(UIArgs.__annotations__), page("gradio"))


@pytest.mark.parametrize("name", sorted(set(fastrtc.__all__) - {"__version__"}))
def test_reference(name: str) -> None:
    """Each public name has an entry, by itself or as one of its aliases."""
    entries = "".join(p.read_text(encoding="utf-8") for p in (DOCS / "reference").glob("*.md"))
    assert re.search(rf"^::: fastrtc\.([\w.]+\.)?{name}$", entries, re.MULTILINE)
