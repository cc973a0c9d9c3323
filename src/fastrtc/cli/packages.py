"""``fastrtc packages``: the npm packages of the client and of its React hooks, as tarballs."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shlex
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["NAMES", "quoted", "run", "write_packages"]

NAMES = ("client", "react")
"""The packages ``@fastrtc/client`` and ``@fastrtc/react``."""

FASTRTC = Path(__file__).resolve().parents[1]

ELSEWHERE = {
    "client": {"dist/index.js": "static/fastrtc.js", "dist/index.d.ts": "static/fastrtc.d.ts"}
}
"""Files of the npm packages that the Python package has for its own pages."""


def run(folder: Path) -> int:
    """Write the packages into a folder, and print how to install them.

    Returns:
        The exit status.
    """
    try:
        paths = write_packages(folder)
    except OSError as error:
        print(f"The packages cannot be written: {error}", file=sys.stderr)
        return 1
    print("\n".join(map(str, paths)))
    arguments = " ".join(quoted(str(path) if path.is_absolute() else f"./{path}") for path in paths)
    print(f"\nInstall them with\n  npm install {arguments}")
    return 0


def write_packages(folder: Path) -> list[Path]:
    """Write ``fastrtc-client-VERSION.tgz`` and ``fastrtc-react-VERSION.tgz``.

    They contain neither times nor users, so that they are the same each time.

    Args:
        folder: Where to write them; it is created if it does not exist.

    Returns:
        Their paths: the client, and the React hooks, which need the client.

    Raises:
        OSError: If they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in NAMES:
        files = package_files(name)
        version = json.loads(files["package.json"])["version"]
        path = folder / f"fastrtc-{name}-{version}.tgz"
        path.write_bytes(_tarball(files))
        paths.append(path)
    return paths


def quoted(path: str) -> str:
    """Return a path as one argument in the shell of this system."""
    if os.name == "nt":  # cmd knows double quotes only
        return path if re.fullmatch(r"[\w.:/\\~-]+", path) else f'"{path}"'
    return shlex.quote(path)


def package_files(name: str) -> dict[str, bytes]:
    """Return the content of the files of a package by their paths in it.

    Args:
        name: One of ``NAMES``.
    """
    folder = FASTRTC / "npm" / name
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    for path, source in ELSEWHERE.get(name, {}).items():
        files[path] = (FASTRTC / source).read_bytes()
    files["LICENSE"] = (FASTRTC / "npm" / "LICENSE").read_bytes()
    return files


def _tarball(files: Mapping[str, bytes]) -> bytes:
    """Return an archive as ``npm pack`` writes it: all files are in the folder ``package``."""
    archive = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", fileobj=archive, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in sorted(files):
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(files[path])
            tar.addfile(entry, io.BytesIO(files[path]))
    return archive.getvalue()
