"""``fastrtc init``: a new app, from the templates in ``starters``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .._version import __version__
from .packages import quoted, write_packages

__all__ = ["KINDS", "InvalidFolder", "run", "write_starter"]

STARTERS = Path(__file__).resolve().parents[1] / "starters"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

BESIDE_AN_APP = {".git", ".venv", "venv", ".idea", ".vscode", ".DS_Store"}
"""What a folder may contain before the app is written into it."""


@dataclass(frozen=True)
class Kind:
    """A kind of app, by its front end.

    Attributes:
        start: The command that runs it.
        port: The port of its page.
        files: The rows of its README about its own files.
        parts: The path in the app of each file of ``starters/parts`` that it has.
        command: How Node runs its front end, as elements of a list in Python.
        docker_port: The port of the page in its Docker image.
        hosts: What its README says about host names.
    """

    start: str
    port: int
    files: str
    parts: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    docker_port: int = 7860
    hosts: str = (
        '`allowed_hosts=["voice.example.org"]` of `Stream` in `app.py` refuses requests with other '
        "host names, and `allowed_origins` those of pages of other sites."
    )

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def words(self) -> dict[str, str]:
        """What stands for the words in capitals in its files."""
        return {
            "__START__": self.start,
            "__URL__": self.url,
            "__PORT__": str(self.port),
            "__FILES__": self.files,
            '"__COMMAND__"': self.command,
            "__DOCKER_PORT__": str(self.docker_port),
            "__NODE__": NODE if self.command else "",
            "__HOSTS__": self.hosts,
        }


NODE = """ The second command needs Node 20.19 or newer, and \
installs the packages of the front end the first time."""

DEV = "| `dev.py` | runs the server and the front end, for development |\n"

KINDS = {
    "html": Kind(
        "python app.py",
        7860,
        "| `page/` | the page: HTML, CSS and JavaScript |\n",
        {"style.css": "page/style.css"},
    ),
    "react": Kind(
        "python dev.py",
        5173,
        f"{DEV}| `frontend/` | the page: React, built with Vite |\n"
        "| `frontend/vendor/` | `@fastrtc/client` and `@fastrtc/react`, by `fastrtc packages` |\n",
        {
            "dev.py": "dev.py",
            "style.css": "frontend/src/style.css",
            "conversation.tsx": "frontend/src/conversation.tsx",
        },
        '"node_modules/vite/bin/vite.js"',
    ),
    "next": Kind(
        "python dev.py",
        3000,
        f"{DEV}| `serve.py` | runs both after `npm run build`, as the Docker image does, on the "
        "address `HOST` |\n"
        "| `frontend/` | the page: Next.js, which forwards `/api` to the server |\n"
        "| `frontend/vendor/` | `@fastrtc/client` and `@fastrtc/react`, by `fastrtc packages` |\n",
        {
            "dev.py": "dev.py",
            "style.css": "frontend/app/style.css",
            "conversation.tsx": "frontend/components/conversation.tsx",
        },
        '"node_modules/next/dist/bin/next", "dev", "--hostname", "127.0.0.1"',
        3000,
        "The variable `ALLOWED_HOSTS=voice.example.org` lets `proxy.ts` refuse requests with other "
        "host names; in development it accepts only `localhost` and addresses. The server in "
        "Python sees only requests of Next.js, so do not set `allowed_hosts` of `Stream`; "
        "`allowed_origins` in `app.py` refuses requests of pages of other sites.",
    ),
    "gradio": Kind("python app.py", 7860, ""),
}


class InvalidFolder(ValueError):
    """The folder cannot be that of a new app."""


def run(folder: Path, kind: str) -> int:
    """Write an app into a new or empty folder, and print how to run it.

    Args:
        folder: The folder, whose name is that of the app.
        kind: One of ``KINDS``.

    Returns:
        The exit status: 0, 1 if the files cannot be written, 2 for a folder that is not suitable.
    """
    try:
        write_starter(folder, kind)
    except InvalidFolder as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The app cannot be written: {error}", file=sys.stderr)
        return 1
    print(f"{folder} has a voice assistant that needs no key. Run it with\n")
    if folder.resolve() != Path.cwd():
        print(f"  cd {quoted(str(folder))}")
    print("  pip install -r requirements.txt")
    print(f"  {KINDS[kind].start}\n")
    print(f"and open {KINDS[kind].url}. README.md says where to go from there.")
    return 0


def write_starter(folder: Path, kind: str) -> None:
    """Write an app.

    Args:
        folder: A folder that does not exist or is empty, except for ``.git`` and the like.
        kind: One of ``KINDS``.

    Raises:
        InvalidFolder: If the folder is not empty, or its name cannot be that of an app.
        OSError: If the files cannot be written.
    """
    name = _check(folder)
    words = {"__NAME__": name, "__SLUG__": _slug(name), "__VERSION__": __version__}
    words |= KINDS[kind].words
    for source, path in sorted(_files(kind)):
        content = source.read_bytes().decode()
        for word, replacement in words.items():
            content = content.replace(word, replacement)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode())
    if KINDS[kind].command:
        write_packages(folder / "frontend" / "vendor")


def _check(folder: Path) -> str:
    """Return the name of the app in a folder."""
    name = folder.resolve().name
    if not NAME.fullmatch(name):
        raise InvalidFolder(
            f"{name!r} cannot be the name of an app: use letters, digits, '-', '_' and '.', "
            "beginning with a letter or a digit"
        )
    if folder.exists() and not folder.is_dir():
        raise InvalidFolder(f"{folder} is a file: choose the name of a new folder")
    if folder.exists():
        others = sorted({path.name for path in folder.iterdir()} - BESIDE_AN_APP)
        if others:
            raise InvalidFolder(
                f"{folder} is not empty, it contains {others[0]}: choose the name of a new folder"
            )
    return name


def _files(kind: str) -> Iterator[tuple[Path, str]]:
    """Yield the templates of a kind, and the path of each in the app."""
    for folder in (STARTERS / "shared", STARTERS / kind):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                relative = path.relative_to(folder)
                yield path, relative.with_name(re.sub("^_", ".", path.name)).as_posix()
    for part, target in KINDS[kind].parts.items():
        yield STARTERS / "parts" / part, target


def _slug(name: str) -> str:
    """Return a name for npm and Docker, which take small letters and single separators."""
    return re.sub("[._-]{2,}", "-", name.lower()).strip("._-")
