"""``fastrtc demo``: the demos of the package, or of its repository."""

from __future__ import annotations

import ast
import os
import runpy
import sys
from pathlib import Path

from packaging.requirements import Requirement

from ..core.models import ModelError
from ..pause_detection.errors import PauseDetectionError
from ..server.authorization import serving_locally
from ..server.shutdown import interrupt_on_sigterm
from .ports import port_problem
from .requirements import Need, needs_of

__all__ = ["demos", "run"]

PACKAGE = Path(__file__).resolve().parents[1]


def demos() -> dict[str, Path]:
    """Return the folders of the demos by name; those of the repository in a working copy of it."""
    in_repository = PACKAGE.parents[1] / "demo"
    # Another package in the environment might be next to a folder of that name.
    is_checkout = (PACKAGE.parents[1] / "pyproject.toml").is_file() and in_repository.is_dir()
    folder = in_repository if is_checkout else PACKAGE / "_demos"
    return {app.parent.name: app.parent for app in sorted(folder.glob("*/app.py"))}


def run(name: str | None, *, port: int, mode: str | None) -> int:
    """Run a demo until Ctrl-C, or list all demos if there is no name.

    Args:
        name: The name of its folder.
        port: The port to serve on.
        mode: ``"UI"`` or ``"PHONE"``; by default the demo's own page and the stream's routes.

    Returns:
        The exit status.
    """
    found = demos()
    if name is None:
        _list(found)
        return 0
    if name not in found:
        print(f"There is no demo {name!r}. There are {', '.join(found)}.", file=sys.stderr)
        return 2
    app = found[name] / "app.py"
    if mode == "PHONE" and '"PHONE"' not in app.read_text(encoding="utf-8"):
        print(f"{name} does not support the telephone.", file=sys.stderr)
        return 2
    if lacking := _lacking(found[name], phone=mode == "PHONE"):
        names = " and ".join(need.requirement for need in lacking)
        print(f"{name} needs {names}. Install its requirements with", file=sys.stderr)
        print(f'  pip install -r "{found[name] / "requirements.txt"}"', file=sys.stderr)
        return 1
    if problem := port_problem(port):
        print(problem, file=sys.stderr)
        return 1
    os.environ["PORT"] = str(port)
    os.environ.pop("MODE", None)
    if mode is not None:
        os.environ["MODE"] = mode
    print(f"{name}: http://127.0.0.1:{port} (Ctrl-C ends it). The program is {app}", flush=True)
    sys.path.insert(0, str(app.parent))  # as when it is run by its path
    try:
        with serving_locally(), interrupt_on_sigterm():
            runpy.run_path(str(app), run_name="__main__")
    except (ModelError, PauseDetectionError) as error:  # the message is sufficient
        print(f"{name} cannot run: {error}", file=sys.stderr)
        return 1
    return 0


def _list(found: dict[str, Path]) -> None:
    width = max(map(len, found), default=0)
    for name, folder in found.items():
        module = ast.parse((folder / "app.py").read_text(encoding="utf-8"))
        about = (ast.get_docstring(module) or "").partition("\n")[0]
        about += " (needs more packages)" if _lacking(folder) else ""
        print(f"{name:{width}}  {about}")
    print("\nfastrtc demo NAME runs one; its README lists the requirements.")


def _lacking(folder: Path, *, phone: bool = False) -> list[Need]:
    """Return the requirements of a demo that are not installed, or too old.

    Requirements for telephone calls are included only with ``phone``.
    """
    try:
        lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    wanted = [Requirement(text) for line in lines if (text := line.partition("#")[0].strip())]
    for requirement in wanted:
        requirement.extras -= set() if phone else {"phone"}
    return [need for one in wanted for need in needs_of(str(one)) if not need.fits]
