"""Files in installed packages."""

import sys
from pathlib import Path

import pytest

from fastrtc.hub import find_packaged_file


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "some_package_with_files"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    for name in ("model-1.onnx", "model-2.onnx", "other.txt"):
        (folder / "data" / name).write_bytes(b"")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_the_last_of_several_files_is_found(package: Path):
    assert find_packaged_file(package.name, "data/model-*.onnx") == package / "data/model-2.onnx"
    assert find_packaged_file(package.name, "data/other.txt") == package / "data/other.txt"
    assert package.name not in sys.modules


def test_what_is_missing_is_none(package: Path, monkeypatch: pytest.MonkeyPatch):
    assert find_packaged_file(package.name, "data/none.onnx") is None
    assert find_packaged_file(package.name, "dat*") is None  # a folder
    assert find_packaged_file("no_such_package_at_all", "data") is None
    monkeypatch.setitem(sys.modules, "no_spec", type(sys)("no_spec"))
    assert find_packaged_file("no_spec", "data") is None
