"""The file of a recording: its name, from a template, and its exclusive creation."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

__all__ = [
    "PLACEHOLDERS",
    "check_template",
    "create_file",
    "fill_template",
    "safe_name",
]

PLACEHOLDERS = ("id", "date", "time", "transport")
"""What may stand in braces in a template."""

MAX_NAME = 64
"""Longest value of a placeholder in a file name, in characters; ids may have 256."""

MAX_FILES = 10_000
"""How many files with the same name and another number there may be."""

_ALLOWED = frozenset(string.ascii_letters + string.digits + "-_.")

_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10)))
)
"""Names that Windows reserves for devices, with any suffix."""


_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|.*://", re.DOTALL)  # as a Path, it has one slash


def check_template(template: str, suffixes: tuple[str, ...]) -> None:
    """Validate the template of a path, whose home folder is expanded.

    Raises:
        ValueError: If it has an unknown placeholder, or another suffix, or is no path of a file.
    """
    if "\0" in template:
        raise ValueError(f"The path of a recording must not contain a NUL, as in {template!r}")
    if _URL.match(template):
        raise ValueError(
            "The path of a recording must be that of a local file, which on_end may upload, and "
            f"no URL: {template!r}"
        )
    if template.startswith("~"):
        user = template.partition("/")[0]
        raise ValueError(
            f"The path of a recording begins with {user!r}, but the home folder is unknown: write "
            f'"./{user}" for a folder of this name'
        )
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"The path of a recording has unmatched braces: {error}") from None
    allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for _, name, format_spec, conversion in parts:
        if name is None:
            continue
        if name not in PLACEHOLDERS:
            raise ValueError(f"The path of a recording may contain {allowed}, not {{{name}}}")
        if format_spec or conversion:
            conversion = f"!{conversion}" if conversion else ""
            format_spec = f":{format_spec}" if format_spec else ""
            raise ValueError(
                f"The path of a recording may contain {allowed} only as they are, without "
                f"conversion or format, not {{{name}{conversion}{format_spec}}}"
            )
    if Path(template).suffix not in suffixes:
        raise ValueError(
            f"The path of a recording must end in {', '.join(suffixes)}, not {template!r}"
        )


def safe_name(value: str) -> str:
    """Return a value of a client as a part of a file name.

    It consists of letters, digits, ``-``, ``_`` and ``.``, does not begin with a dot and has at
    most 64 characters, so it can be no path, and no name of a device.
    """
    name = "".join(char if char in _ALLOWED else "_" for char in value[:MAX_NAME]) or "_"
    if name.startswith("."):
        name = f"_{name[1:]}"
    if name.partition(".")[0].lower() in _DEVICES:
        name = f"_{name}"
    return name


def fill_template(template: str, id: str, transport: str, now: datetime) -> Path:
    """Return the path of a recording.

    Args:
        template: The template, which ``check_template`` has accepted.
        id: The id of the connection, which its client has chosen.
        transport: ``"webrtc"``, ``"websocket"`` or ``"telephone"``.
        now: The time at which it starts.
    """
    values: Mapping[str, str] = {
        "id": safe_name(id),
        "date": now.strftime("%Y-%m-%d"),
        "time": now.strftime("%H%M%S"),
        "transport": transport,
    }
    return Path(template.format_map(values))


def create_file(path: Path) -> tuple[Path, int]:
    """Create a file that does not exist, and missing folders.

    If there is one with this name, or its JSON file, a number is added: ``call.ogg``,
    ``call-2.ogg``. Only the user of the process may read it.

    Returns:
        Its path and a file descriptor to write and read.

    Raises:
        OSError: If it cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
    for number in range(1, MAX_FILES):
        chosen = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if os.path.lexists(f"{chosen}.json"):
            continue
        try:
            return chosen, os.open(chosen, flags, 0o600)
        except FileExistsError:
            continue
    raise FileExistsError(f"There are {MAX_FILES} recordings with the name {path}")
