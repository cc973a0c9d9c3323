"""Where the Smart Turn model comes from."""

from pathlib import Path

import pytest

from fastrtc.end_of_turn import model_file
from fastrtc.end_of_turn.errors import TurnModelUnavailable
from fastrtc.end_of_turn.model_file import find_model_file
from fastrtc.hub import HubUnavailable


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTRTC_SMART_TURN_MODEL", raising=False)


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as `pipecat-ai` is, which must not be imported."""
    path = tmp_path / "pipecat/audio/turn/smart_turn/data/smart-turn-v3.9-cpu.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    (tmp_path / "pipecat/__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    return path


def test_the_installed_package_has_it(packaged: Path):
    assert find_model_file() == packaged


def test_a_path_goes_before_the_variable_and_this_before_the_package(
    packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mine, other = tmp_path / "mine.onnx", tmp_path / "other.onnx"
    mine.write_bytes(b"")
    other.write_bytes(b"")
    monkeypatch.setenv("FASTRTC_SMART_TURN_MODEL", str(other))
    assert find_model_file() == other
    assert find_model_file(mine) == find_model_file(str(mine)) == mine


def test_a_path_that_leads_nowhere_is_not_passed_over(
    packaged: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(TurnModelUnavailable, match=r"path is 'nowhere.onnx', which is not a file"):
        find_model_file("nowhere.onnx")
    monkeypatch.setenv("FASTRTC_SMART_TURN_MODEL", "nowhere.onnx")
    with pytest.raises(TurnModelUnavailable, match="FASTRTC_SMART_TURN_MODEL is 'nowhere.onnx'"):
        find_model_file()


class TestHub:
    @pytest.fixture(autouse=True)
    def no_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(model_file, "PACKAGE", "no_such_package")

    def test_it_comes_last(self, monkeypatch: pytest.MonkeyPatch):
        asked = []

        def files(repository: str, names: list[str]) -> list[str]:
            asked.append((repository, names))
            return ["/cache/model.onnx"]

        monkeypatch.setattr(model_file, "hub_files", files)
        assert find_model_file() == Path("/cache/model.onnx")
        assert asked == [("pipecat-ai/smart-turn-v3", ["smart-turn-v3.2-cpu.onnx"])]

    def test_without_it_the_error_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch):
        def files(repository: str, names: list[str]) -> list[str]:
            raise HubUnavailable("it cannot be reached")

        monkeypatch.setattr(model_file, "hub_files", files)
        with pytest.raises(TurnModelUnavailable) as error:
            find_model_file()
        for part in ("FASTRTC_SMART_TURN_MODEL", "pipecat-ai", "it cannot be reached"):
            assert part in str(error.value)
