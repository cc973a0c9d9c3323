"""What all tests of pages have in common."""

import pytest

__all__ = ["MARKS"]

MARKS = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium"),
]
