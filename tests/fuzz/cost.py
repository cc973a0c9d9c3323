"""What a reader may cost: a short input stands for a long one, which is read within a budget."""

import contextlib
import re
import time
import tracemalloc
from collections.abc import Iterator

__all__ = ["CPU_S", "MEMORY", "budget", "expand"]

CPU_S = 1.0
"""Seconds for one input. Ours takes up to 0.1 s, which instrumentation makes some five times as
long; what grows with the square of an input takes minutes."""

MEMORY = 32 << 20
"""Bytes allocated at a time. Ours takes up to 6 MB."""

_REPEAT = re.compile(r"\*(\d{1,4})\*")


def expand(text: str, longest: int) -> str:
    """Repeat lines: `*500*a=x` is 500 lines `a=x`, in which each `#` is the number of the line.

    Args:
        text: The lines.
        longest: How many characters there may be in the end.
    """
    lines: list[str] = []
    length = 0
    for line in text.split("\n"):
        found = _REPEAT.match(line)
        rest = line if found is None else line[found.end() :]
        for k in range(1 if found is None else int(found[1])):
            written = rest if found is None else rest.replace("#", str(k))
            length += len(written) + 1
            if length > longest:
                return "\n".join(lines)
            lines.append(written)
    return "\n".join(lines)


@contextlib.contextmanager
def budget() -> Iterator[None]:
    """Fail when what is done meanwhile takes more CPU time or memory than it may."""
    tracemalloc.start()
    before = time.thread_time()
    try:
        yield
    finally:
        spent = time.thread_time() - before
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert spent < CPU_S, f"{spent:.1f} s of CPU time"
    assert peak < MEMORY, f"{peak / 1e6:.0f} MB"
