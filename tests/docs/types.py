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

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS, TYPED = ROOT / "docs/src", ROOT / "tests/typed"
STARTERS = ROOT / "src/fastrtc/starters"
MYPY = """
[mypy]
strict = true
warn_unreachable = true

[mypy-{untyped}]
ignore_missing_imports = true

[mypy-programs.*]
disallow_untyped_defs = false
disallow_incomplete_defs = false
disallow_untyped_calls = false
disable_error_code = var-annotated
"""
"""The configuration of mypy, with what it lets pass in the programs of the documentation.

The rest is that of `make types`: so they share a cache, and the package is checked once.
"""


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


def mypy(folder: Path) -> list[str]:
    """Return the command line of mypy, which checks strictly."""
    config = folder / "mypy.ini"
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    [untyped] = [one["module"] for one in settings["overrides"] if one["ignore_missing_imports"]]
    config.write_text(MYPY.format(untyped=",".join(untyped)))
    parts = (str(folder / part) for part in ("programs", "typed", "starters"))
    cache = f"--cache-dir={ROOT / '.mypy_cache'}"
    return [sys.executable, "-m", "mypy", f"--config-file={config}", cache, *parts]


def pyright(folder: Path) -> list[str]:
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
    python = ("--pythonpath", sys.executable)
    return [sys.executable, "-m", "pyright", "--project", str(config), *python]


def check(tool: str) -> bool:
    """Run a checker over everything; return whether it found nothing."""
    command = {"mypy": mypy, "pyright": pyright}[tool]
    with as_packages() as (folder, copies):
        done = subprocess.run(
            command(folder),
            env={**os.environ, "MYPYPATH": "src"},
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        said = done.stdout + done.stderr
    for copy, program in copies.items():
        said = said.replace(copy, program)
    print(said, end="")
    return done.returncode == 0


if __name__ == "__main__":
    tools = sys.argv[1:] or ["mypy", "pyright"]
    sys.exit(not all([check(tool) for tool in tools]))
