"""Applications outside the workspace that use the packages, installed as their users do."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastrtc.cli.packages import write_packages
from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import Program
from tests.packages.server import BUILT
from tests.support.npm import INSTALL, npm

APPS = Path(__file__).parent / "apps"
COMPONENTS = {"vite": "src", "next": "app"}
"""The folder of an application for the component that they share."""


@pytest.fixture(scope="session")
def tarballs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The packages `@fastrtc/client` and `@fastrtc/react`."""
    return write_packages(tmp_path_factory.mktemp("tarballs"))


def install(folder: Path, tarballs: list[Path], *options: str) -> None:
    """Copy an application out of the repository, and install the packages into it."""
    shutil.copytree(APPS / folder.name, folder)
    if source := COMPONENTS.get(folder.name):
        shutil.copy(APPS / "call.tsx", folder / source)
    npm(folder, "install", *INSTALL, *options, *map(str, tarballs))


@pytest.fixture(scope="session")
def apps(tmp_path_factory: pytest.TempPathFactory, tarballs: list[Path]) -> Path:
    """The folder of the built applications, which the workers share: the first one builds them."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    built = place / "apps"

    def build(name: str) -> None:
        install(built / name, tarballs)
        npm(built / name, "run", "build")

    with (place / "apps.lock").open("w") as lock, ThreadPoolExecutor() as threads:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (built / "done").exists():
            shutil.rmtree(built, ignore_errors=True)
            list(threads.map(build, BUILT))
            (built / "done").touch()
    return built


@pytest.fixture
def server(apps: Path, tmp_path: Path) -> Iterator[Program]:
    """The applications and their stream, in a process that must not write tracebacks."""
    program = Program(
        tmp_path / "server.log",
        Path(__file__).with_name("server.py"),
        variables={"APPS": str(apps)},
    )
    program.start()
    yield program
    program.stop()
    assert not program.complaints()
