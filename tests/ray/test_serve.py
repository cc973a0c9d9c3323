"""A deployment on Ray Serve.

Ray is too large for CI: the tests that need it are left out there, and named at the end of the run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from fastrtc.ray import RayExtraMissing, deployment
from fastrtc.ray.serve import scale_by_sessions
from tests.support.ports import free_port

from .conftest import Serve

SCENARIO = Path(__file__).parent / "scaling.py"


class TestScaling:
    def context(self, sessions: dict[str, float] | None) -> Any:
        metrics = None if sessions is None else {"sessions": sessions}
        return SimpleNamespace(
            aggregated_metrics=metrics,
            target_num_replicas=3,
            config=SimpleNamespace(target_ongoing_requests=10),
        )

    @pytest.mark.parametrize(
        ("sessions", "replicas"),
        [
            ({"a": 4.0, "b": 5.0}, 1),
            ({"a": 10.0}, 1),
            ({"a": 10.1}, 2),
            ({"a": 9.0, "b": 9.0, "c": 9.0, "d": 9.0}, 4),
            ({"a": 0.0}, 1),
            ({}, 3),
            (None, 3),
        ],
    )
    def test_replicas_follow_the_connections(
        self, sessions: dict[str, float] | None, replicas: int
    ) -> None:
        assert scale_by_sessions(self.context(sessions)) == (replicas, {})


class TestArguments:
    def test_without_ray(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "ray", None)
        with pytest.raises(RayExtraMissing, match=r'pip install "fastrtc\[ray\]"'):
            deployment(lambda: None)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"target_sessions": 0}, "target_sessions must be positive, not 0"),
            ({"min_replicas": 0}, "min_replicas must be at least 1"),
            ({"min_replicas": 3, "max_replicas": 2}, "not 3 with max_replicas=2"),
            ({"drain_limit": -1}, "drain_limit must not be negative, not -1"),
        ],
    )
    def test_invalid_values(self, serve: Serve, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            deployment(lambda: None, **arguments)

    @pytest.mark.parametrize("app", [FastAPI(), "app", "", None, "app.py:"])
    def test_something_that_replicas_cannot_get(self, serve: Serve, app: Any) -> None:
        with pytest.raises(ValueError, match="app must be a function that returns the app"):
            deployment(app)


@pytest.mark.external("ray")
@pytest.mark.timeout(400)
def test_replicas_on_two_nodes_scale_by_calls_and_cut_none() -> None:
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, SCENARIO, str(free_port())],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=380,
    )
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("{")]
    result = json.loads(line)
    assert result["before"] == {"RUNNING": 1}
    assert result["nodes"] == 2
    assert all(result["echoed"]) and len(result["echoed"]) >= 4
    assert result["states_while_stopping"] == {"RUNNING": 1, "STOPPING": 1}
    assert all(result["alive_while_stopping"]) and len(result["alive_while_stopping"]) >= 8
    assert result["told"] == [[True, True], [False, False]]
    assert result["new_calls_go_to_the_other"]
    assert result["stopped_after_its_last_call_s"] < 30
    assert result["others_are_alive"] == [True, True]
    assert all(lasted > result["drain_limit_s"] - 1 for lasted in result["lasted_s"])
    assert result["told_at_the_end"] == [True, True]
