"""Applications outside the workspace that use the packages, installed as their users do."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastrtc.cli.packages import write_packages
from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import Program
from tests.support.npm import INSTALL, npm

APPS = Path(__file__).parent / "apps"
COMPONENTS = {"vite": "src", "next": "app"}
"""Where an application has the component that they share."""


@pytest.fixture(scope="session")
def tarballs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The packages `@fastrtc/client` and `@fastrtc/react`."""
    return write_packages(tmp_path_factory.mktemp("tarballs"))


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory, tarballs: list[Path]) -> Callable[..., Path]:
    """Copies an application out of the repository, and installs the packages into it."""
    place = tmp_path_factory.mktemp("apps")

    def one(name: str, *options: str) -> Path:
        folder = place / name
        shutil.copytree(APPS / name, folder)
        if source := COMPONENTS.get(name):
            shutil.copy(APPS / "call.tsx", folder / source)
        npm(folder, "install", *INSTALL, *options, *map(str, tarballs))
        return folder

    return one


@pytest.fixture(scope="session")
def apps(install: Callable[..., Path]) -> Path:
    """The folder of the built applications."""

    def build(name: str) -> Path:
        folder = install(name)
        npm(folder, "run", "build")
        return folder

    with ThreadPoolExecutor() as threads:
        vite, _ = threads.map(build, ("vite", "next"))
    return vite.parent


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
