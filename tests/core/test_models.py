"""Models by name."""

import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from fastrtc.core.models import (
    MissingExtra,
    ModelError,
    ModelRegistry,
    import_extra,
    require_installed,
    warm_up_librosa,
)


class Model:
    def __init__(self, size: int = 1, words: tuple[str, ...] = ()) -> None:
        self.size, self.words, self.warm = size, words, 0

    def warmup(self) -> None:
        self.warm += 1


def registry(**own) -> ModelRegistry:
    return ModelRegistry("test", "fastrtc.test_models", own)


def test_a_model_is_made_once_for_the_same_arguments(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fastrtc")
    models = registry(model=Model)
    model = models.get("model", words=["a", "b"])
    assert model is models.get("model", words=["a", "b"])
    assert model is not models.get("model", words=["a"])
    assert model is not models.get("model")
    assert model.warm == 1
    assert caplog.text.count("model is ready after") == 3
    models.clear()
    assert model is not models.get("model", words=["a", "b"])


def test_threads_that_ask_together_get_one_and_wait_for_nothing_else() -> None:
    begun, go = threading.Event(), threading.Event()
    made: list[Model] = []

    def slow() -> Model:
        begun.set()
        assert go.wait(20)
        made.append(Model())
        return made[-1]

    models = registry(slow=slow, fast=Model)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(models.get, "slow") for _ in range(3)]
        assert begun.wait(20)
        assert models.get("fast") is models.get("fast")
        go.set()
        assert {id(future.result(20)) for future in asked} == {id(made[0])}
    assert len(made) == 1


def test_after_a_failure_the_next_call_tries_again() -> None:
    outcomes = [ModelError("no network"), Model()]

    def make() -> Model:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    models = registry(model=make)
    with pytest.raises(ModelError, match="no network") as caught:
        models.get("model")
    files = [entry.path for entry in caught.traceback]
    assert not [file for file in files if "concurrent" in str(file)]  # frames that say nothing
    assert isinstance(models.get("model"), Model)


def test_a_name_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(ValueError, match="no test model 'c'; there are a, b"):
        registry(b=Model, a=Model).get("c")


def test_an_installed_package_adds_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs.py").write_text("class Theirs:\n    size = 3\n")
    info = tmp_path / "theirs-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[fastrtc.test_models]\ntheirs/big = theirs:Theirs\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    models = registry(model=Model)
    assert models.names() == ["model", "theirs/big"]
    assert models.get("theirs/big").size == 3
    assert models.get("theirs/big") is models.get("theirs/big")


def test_a_package_that_is_there_but_fails_says_why(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtra, match="half_installed cannot be imported .*_at_all") as caught:
        import_extra("half_installed", "stt")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_all_that_is_missing_is_named_at_once(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "without_spec", ModuleType("without_spec"))
    require_installed("This", ["json", "without_spec"], "vad")
    message = r'This needs not_there and nor_this: run `pip install "fastrtc\[vad\]"`$'
    with pytest.raises(MissingExtra, match=message) as caught:
        require_installed("This", ["not_there", "json", "nor_this"], "vad")
    assert caught.value.__suppress_context__


def test_a_missing_extra_is_one_sentence_with_what_to_run(monkeypatch) -> None:
    assert import_extra("json", "stt").__name__ == "json"
    monkeypatch.setitem(sys.modules, "moonshine_onnx", None)
    with pytest.raises(MissingExtra, match=r'run `pip install "fastrtc\[stt\]"`$') as caught:
        import_extra("moonshine_onnx", "stt")
    assert caught.value.__suppress_context__
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, ModelError)


class Librosa(ModuleType):
    """Stands for librosa, of which the first call takes seconds."""

    def __init__(self) -> None:
        super().__init__("librosa")
        self.calls: list[tuple[int, int]] = []

    def resample(self, samples, *, orig_sr, target_sr):
        assert samples.size
        self.calls.append((orig_sr, target_sr))


def test_a_librosa_that_the_program_imported_is_warmed_up(monkeypatch) -> None:
    librosa = Librosa()
    monkeypatch.setitem(sys.modules, "librosa", librosa)
    warm_up_librosa()
    assert librosa.calls == [(48_000, 16_000)]
    registry(small=Model).get("small")
    assert len(librosa.calls) == 2


@pytest.mark.parametrize("load", [False, True])
def test_librosa_is_imported_on_demand_only(load: bool, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "librosa.py").write_text("calls = []\ndef resample(*a, **k): calls.append(a)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "librosa", raising=False)
    warm_up_librosa(load=load)
    imported = sys.modules.pop("librosa", None)
    assert (imported is not None) == load
    assert imported is None or len(imported.calls) == 1


@pytest.mark.parametrize("broken", [None, ModuleType("librosa")])  # not installed; half of it
def test_a_librosa_that_does_not_work_keeps_no_model_from_its_work(broken, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "librosa", broken)
    warm_up_librosa(load=True)
    assert isinstance(registry(small=Model).get("small"), Model)
