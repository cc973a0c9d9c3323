"""Check the types of the programs of the documentation, of starters, and of a typed program.

    python -m tests.docs.types [mypy | pyright]

The programs leave out most annotations, as people do. So mypy checks them strictly, but for the
definitions that have none; `tests/typed` and the starters have all of them, and are held to
everything.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS, TYPED = ROOT / "docs/src", ROOT / "tests/typed"
STARTERS = ROOT / "src/fastrtc/starters"
UNTYPED = ("--allow-untyped-defs", "--allow-incomplete-defs", "--allow-untyped-calls")
UNTYPED += ("--disable-error-code=var-annotated",)
"""What mypy lets pass in the programs of the documentation."""


@contextmanager
def as_packages() -> Iterator[tuple[Path, dict[str, str]]]:
    """Copy the programs to where their folders are packages, as their names are not unique.

    Yields:
        A folder with the packages `programs` and `typed` and the modules `starters`, and the paths
        of the files by those of the copies.
    """
    copies = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        for program in sorted((*PROGRAMS.glob("*/*.py"), *TYPED.glob("*.py"))):
            package = folder / "typed"
            if program.is_relative_to(PROGRAMS):
                package = folder / "programs" / program.parent.name.replace("-", "_")
            package.mkdir(parents=True, exist_ok=True)
            for part in (package, folder / "programs"):  # or programs/gradio would be `gradio`
                part.mkdir(exist_ok=True)
                (part / "__init__.py").touch()
            copies[str(shutil.copy(program, package))] = str(program.relative_to(ROOT))
        starters = folder / "starters"
        starters.mkdir()
        for program in sorted(STARTERS.glob("*/*.py")):
            is_one_of_many = program.name == "app.py" and program.parent.name != "html"
            name = f"{program.parent.name}_app.py" if is_one_of_many else program.name
            copies[str(shutil.copy(program, starters / name))] = str(program.relative_to(ROOT))
        yield folder, copies


def mypy(folder: Path) -> list[list[str]]:
    """Return the command lines of mypy, for the programs, and for what is typed."""
    strict = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--ignore-missing-imports",
    ]
    cache = f"--cache-dir={ROOT / '.mypy_cache/docs'}"
    return [
        [*strict, cache, *UNTYPED, str(folder / "programs")],
        [*strict, cache, str(folder / "typed")],
        [*strict, cache, str(folder / "starters")],
    ]


def pyright(folder: Path) -> list[list[str]]:
    """Return the command line of pyright, which infers what is not annotated."""
    options = {
        "include": ["programs", "typed", "starters"],
        "strict": ["typed"],
        "extraPaths": [str(ROOT / "src")],
        "stubPath": str(ROOT / "tests/docs/stubs"),
        "reportMissingModuleSource": "none",
    }
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps(options))
    return [
        [sys.executable, "-m", "pyright", "--project", str(config), "--pythonpath", sys.executable]
    ]


def check(tool: str) -> bool:
    """Run a checker over everything; return whether it found nothing."""
    commands = {"mypy": mypy, "pyright": pyright}[tool]
    with as_packages() as (folder, copies):
        found_nothing = True
        for command in commands(folder):
            done = subprocess.run(
                command,
                env={**os.environ, "MYPYPATH": str(ROOT / "src")},
                capture_output=True,
                text=True,
                cwd=ROOT,
                check=False,
            )
            said = done.stdout + done.stderr
            for copy, program in copies.items():
                said = said.replace(copy, program)
            print(said, end="")
            found_nothing = found_nothing and done.returncode == 0
    return found_nothing


if __name__ == "__main__":
    tools = sys.argv[1:] or ["mypy", "pyright"]
    sys.exit(not all([check(tool) for tool in tools]))
