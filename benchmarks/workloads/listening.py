"""What it costs to follow what somebody says, without a connection (row 14)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.client.media import AUDIO_RATE
from benchmarks.client.voices import turns, with_pauses
from benchmarks.environments import SERVERS, Environment
from benchmarks.workloads.base import Case, Goal, Metric, Sample, Workload
from tests.support.speech import write_wav


def measure(environment: Environment, case: Case) -> Sample:
    """CPU per second of audio, about half of it speech."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "talk.wav")
        write_wav(path, AUDIO_RATE, with_pauses(turns(), 1.0, 2.0).sound)
        return environment.run_script(SERVERS / "listening.py", str(path), limit=120)


WORKLOAD = Workload(
    name="listening",
    summary="resampling, VAD and turn detection of one session",
    cases=(Case("ReplyOnPause", "listening", goals={"vad": Goal(1.0)}, rounds=1),),
    metrics=(Metric("vad", "% of a core", 2, row=14),),
    local=measure,
)
