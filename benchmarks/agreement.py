"""How far a call over memory is from one over WebRTC: `python -m benchmarks.agreement`.

Holds the ten conversations of `tests/testing/agreement.py`, one at a time, over both, and prints
their latencies and how long a reply went on after an interruption. The exit status is 1 if a time
differs by more than 60 ms, or a turn, an interruption or a word by anything. For a quiet machine.
"""

from __future__ import annotations

import asyncio
import math
import sys

from tests.testing.agreement import CONVERSATIONS, differences, hold

MAX_DIFFERENCE_S = 0.06


async def main() -> int:
    """Prints the table; returns the exit status."""
    print("| conversation | turn | memory, s | WebRTC, s | difference, ms |")
    print("|---|---|---|---|---|")
    failures = []
    for name in CONVERSATIONS:
        simulated = (await hold(name, "memory")).turns
        live = (await hold(name, "webrtc")).turns
        failures += [
            f"{name}: {what}: {how}"
            for what, how in differences(simulated, live, within_s=MAX_DIFFERENCE_S)
        ]
        for number, (one, other) in enumerate(zip(simulated, live, strict=False), start=1):
            for what in ("latency", "stopped_after"):
                a, b = getattr(one, f"{what}_s"), getattr(other, f"{what}_s")
                if a is not None and b is not None and a < math.inf:
                    kind = "" if what == "latency" else ", end"
                    print(f"| {name} | {number}{kind} | {a:.3f} | {b:.3f} | {1000 * (b - a):.0f} |")
            if not one.interrupted and one.heard != other.heard:
                failures.append(f"{name}: words of turn {number}: {one.heard!r}, {other.heard!r}")
    print(*failures, sep="\n", file=sys.stderr)
    return int(bool(failures))


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
