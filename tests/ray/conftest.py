"""The part of Ray Serve that is not needed to test what uses it."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

__all__ = ["Serve"]


class Serve(ModuleType):
    """The part of `ray.serve` that a replica uses."""

    def __init__(self) -> None:
        super().__init__("ray.serve")
        self.states: dict[str, int] | None = {"RUNNING": 2}
        self.status_calls = 0

    def get_replica_context(self) -> Any:
        return SimpleNamespace(app_name="voice", deployment="fastrtc")

    def status(self) -> Any:
        self.status_calls += 1
        if self.states is None:
            raise RuntimeError("the controller is being restarted")
        one = SimpleNamespace(replica_states=self.states)
        deployments = {"fastrtc": one} if self.states else {}
        return SimpleNamespace(applications={"voice": SimpleNamespace(deployments=deployments)})


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    package, serve = ModuleType("ray"), Serve()
    vars(package)["serve"] = serve
    monkeypatch.setitem(sys.modules, "ray", package)
    monkeypatch.setitem(sys.modules, "ray.serve", serve)
    monkeypatch.setenv("FASTRTC_CLUSTER", "remove me")  # so that the variable is restored
    monkeypatch.delenv("FASTRTC_CLUSTER")
    return serve
