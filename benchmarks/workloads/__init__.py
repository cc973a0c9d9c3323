"""One file per workload; `WORKLOADS` is the order of the table."""

from benchmarks.workloads.base import find

WORKLOADS = tuple(
    find(name)
    for name in (
        "startup",
        "connect",
        "idle",
        "echo",
        "roundtrip",
        "websocket",
        "phone",
        "loss",
        "turns",
        "listening",
        "blocking",
        "video",
        "memory",
        "churn",
        "ceiling",
        "soak",
    )
)
