import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from fastrtc.recording.errors import RecordingRemoved
from fastrtc.recording.report import Report, Stretch, write_report

REPORT = Report(
    webrtc_id="мы",
    transport="webrtc",
    file="call.ogg",
    started_at=datetime(2026, 11, 29, 7, 8, 9, 123456, timezone(timedelta(hours=1))),
    duration_s=12.5,
    sides=("received", "played"),
    video=False,
    stretches=[Stretch(0.0, 2.0), Stretch(5.0)],
    lost_s=0.0,
    error=None,
    turns=[{"number": 1, "text": "Hi"}],
)


def test_the_file_is_complete_or_missing(tmp_path: Path) -> None:
    (tmp_path / "call.ogg").touch()
    (tmp_path / "other.ogg").touch()
    path = write_report(tmp_path / "call.ogg", REPORT)
    assert path == tmp_path / "call.ogg.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data == {
        "version": 1,
        "webrtc_id": "мы",
        "transport": "webrtc",
        "file": "call.ogg",
        "started_at": "2026-11-29T07:08:09.123+01:00",
        "duration_s": 12.5,
        "sides": ["received", "played"],
        "video": False,
        "stretches": [{"start_s": 0.0, "end_s": 2.0}, {"start_s": 5.0, "end_s": None}],
        "lost_s": 0.0,
        "error": None,
        "turns": [{"number": 1, "text": "Hi"}],
        "sample_rate": 48000,
    }
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    (tmp_path / "other.ogg.json").mkdir()
    with pytest.raises(OSError):
        write_report(tmp_path / "other.ogg", REPORT)
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ["call.ogg", "call.ogg.json", "other.ogg", "other.ogg.json"]


def test_nothing_stays_of_a_recording_that_was_removed(tmp_path: Path) -> None:
    with pytest.raises(RecordingRemoved, match="call.ogg was removed before"):
        write_report(tmp_path / "call.ogg", REPORT)
    assert not list(tmp_path.iterdir())


def test_a_link_in_the_place_of_the_file_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "call.ogg").touch()
    (tmp_path / "other").write_text("mine")
    (tmp_path / "call.ogg.json.part").symlink_to(tmp_path / "other")
    path = write_report(tmp_path / "call.ogg", REPORT)
    assert not path.is_symlink() and json.loads(path.read_text())["file"] == "call.ogg"
    (tmp_path / "call.ogg.json.part").symlink_to(tmp_path / "other")
    with monkeypatch.context() as patch, pytest.raises(FileExistsError):
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # it is created at the same moment
        write_report(tmp_path / "call.ogg", REPORT)
    assert (tmp_path / "other").read_text() == "mine"
