"""Imports one of the packages in a fresh process; prints what that took as JSON.

Usage: startup.py {fastrtc,aiortc} {import,mount}
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def import_fastrtc() -> None:
    """Nothing but the import."""
    import fastrtc  # noqa: F401


def mount_fastrtc() -> None:
    """What a program does that serves its own page."""
    from fastapi import FastAPI

    from fastrtc import Stream, StreamHandler

    class Echo(StreamHandler):
        def copy(self) -> StreamHandler:
            return Echo()

        def receive(self, frame: object) -> None:
            pass

        def emit(self) -> None:
            pass

    stream = Stream(Echo(), modality="audio", mode="send-receive", verbose=False)
    stream.mount(FastAPI())


def import_aiortc() -> None:
    """The floor: what fastrtc cannot do without."""
    import aiortc  # noqa: F401


def mount_aiortc() -> None:
    """The same with a web application."""
    import aiortc  # noqa: F401
    from fastapi import FastAPI

    FastAPI()


def resident_mb() -> float:
    """Resident memory of this process; its peak where there is no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / (1 << 20)


ACTIONS = {
    ("fastrtc", "import"): import_fastrtc,
    ("fastrtc", "mount"): mount_fastrtc,
    ("aiortc", "import"): import_aiortc,
    ("aiortc", "mount"): mount_aiortc,
}


def main() -> None:
    """Measures the action that the command line names."""
    action = ACTIONS[sys.argv[1], sys.argv[2]]
    began = time.perf_counter()
    action()
    took = time.perf_counter() - began
    gradio = float("gradio" in sys.modules)
    print(json.dumps({"time": took, "memory": resident_mb(), "gradio": gradio}))


if __name__ == "__main__":
    main()
