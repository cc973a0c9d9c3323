"""`fastrtc packages` writes what `npm pack` would."""

import json
import shlex
import subprocess
import tarfile
from pathlib import Path

import pytest

from fastrtc import __version__
from fastrtc.cli import main
from fastrtc.cli.packages import package_files, write_packages
from tests.support.programs import require_program

NAMES = [f"fastrtc-client-{__version__}.tgz", f"fastrtc-react-{__version__}.tgz"]


def contents(path: Path) -> dict[str, bytes]:
    """Return the files of a tarball by their paths in it."""
    with tarfile.open(path) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()}


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = write_packages(tmp_path / "a"), write_packages(tmp_path / "b")
    assert [path.name for path in first] == NAMES
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_what_the_archives_contain(tmp_path: Path) -> None:
    for name, path in zip(("client", "react"), write_packages(tmp_path), strict=True):
        found = contents(path)
        package = json.loads(found["package/package.json"])
        assert (package["name"], package["version"]) == (f"@fastrtc/{name}", __version__)
        assert {"package/dist/index.js", "package/dist/index.d.ts"} <= found.keys()
        with tarfile.open(path) as tar:
            assert {(one.mode, one.mtime, one.uid, one.uname) for one in tar.getmembers()} == {
                (0o644, 0, 0, "")
            }


@pytest.mark.parametrize("name", ["client", "react"])
def test_npm_packs_the_same(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    for path, content in package_files(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    command = [require_program("npm"), "pack", "--ignore-scripts", "--pack-destination", tmp_path]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    [packed] = tmp_path.glob("*.tgz")
    [written] = [path for path in write_packages(tmp_path / "own") if name in path.name]
    assert packed.name == written.name
    assert contents(packed) == contents(written)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["packages", "vendor"]) == 0
    said = capsys.readouterr().out
    assert f"npm install ./vendor/{NAMES[0]} ./vendor/{NAMES[1]}" in said
    assert all((tmp_path / "vendor" / name).is_file() for name in NAMES)


def test_a_folder_with_a_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["packages", "my dir"]) == 0
    *_, command = capsys.readouterr().out.splitlines()
    assert shlex.split(command) == ["npm", "install", *(f"./my dir/{name}" for name in NAMES)]


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["packages", str(tmp_path / "file")]) == 1
    assert "cannot be written" in capsys.readouterr().err
