"""The metrics of several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fastrtc.metrics.processes import collector_of

PROCESS = """
import sys
from prometheus_client import CollectorRegistry
from fastrtc.metrics.instruments import instruments_of

instruments = instruments_of(CollectorRegistry())
instruments.sessions.labels("webrtc").inc(2)
instruments.ends.labels("closed").inc()
instruments.turn.labels("handler").observe(0.3)
print("ready", flush=True)
sys.stdin.read()
"""


def test_they_are_added_up_without_the_sessions_of_one_that_was_killed(tmp_path: Path) -> None:
    path = os.pathsep.join(sys.path)
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": path}
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS], env=env, stdin=-1, stdout=-1, text=True)
        for _ in range(2)
    ]
    registry = collector_of(str(tmp_path))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    try:
        for process in processes:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert value("fastrtc_sessions", transport="webrtc") == 4
        processes[0].kill()
        processes[0].wait()
        assert value("fastrtc_sessions", transport="webrtc") == 2
        assert value("fastrtc_sessions", transport="telephone") == 0
        assert value("fastrtc_session_ends_total", reason="closed") == 2
        assert value("fastrtc_turn_seconds_sum", part="handler") == 0.6
    finally:
        for process in processes:
            process.kill()
            process.communicate()
