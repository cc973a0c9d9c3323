"""What a reader may cost: a short input stands for a long one, which is read within a budget."""

import re
import time
import tracemalloc
from collections.abc import Callable

__all__ = ["CPU_S", "MEMORY", "RUNS", "assert_cheap", "expand"]

CPU_S = 1.0
"""Seconds for one input. Ours takes up to 0.1 s, which instrumentation makes some eight times as
long; what grows with the square of an input takes minutes."""

MEMORY = 32 << 20
"""Bytes allocated at a time. Ours takes up to 6 MB."""

RUNS = 3
"""How often an input must be over the budget."""

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


def assert_cheap(read: Callable[[], object]) -> None:
    """Fail when *read* takes more CPU time or memory than it may.

    What counts is the CPU time of this thread, so that waiting for a core costs nothing. A core
    shared with other programs is slower still, so that a run over the budget is repeated: growth
    shows in all `RUNS` of them, a busy machine does not. Memory is measured in a run of its own,
    as `tracemalloc` takes many times as long as instrumented code itself.

    Args:
        read: Does the same when it is called again.
    """
    for _ in range(RUNS):
        spent = _cpu_s(read)
        if spent < CPU_S:
            break
    else:
        raise AssertionError(f"{spent:.1f} s of CPU time, and no less in {RUNS} runs")
    peak = _memory(read)
    assert peak < MEMORY, f"{peak / 1e6:.0f} MB"


def _cpu_s(read: Callable[[], object]) -> float:
    before = time.thread_time()
    read()
    return time.thread_time() - before


def _memory(read: Callable[[], object]) -> int:
    """Return the most bytes allocated at a time."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
