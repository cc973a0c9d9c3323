"""`docs/llms.txt` is what the pages say now."""

from .llms import INDEX, full, index


def test_the_index_is_current() -> None:
    current = INDEX.read_text(encoding="utf-8") == index()
    assert current, "docs/llms.txt is old; python -m tests.docs.llms writes it anew"


def test_the_full_text_has_the_programs() -> None:
    text = full()
    assert "class Assistant(ReplyOnPause):" in text
    assert "--8<--" not in text
