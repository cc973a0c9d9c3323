from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from fastrtc import Recorder, Stream
from fastrtc.recording.recorder import sides_of
from tests.session.rig import Handler


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"path": "calls/{id}.mp3"}, "must end in"),
        ({"path": "calls/{user}.ogg"}, "{user}"),
        ({"start": "now"}, "start"),
        ({"on_end": 3}, "on_end"),
        ({"max_s": 0}, "max_s"),
        ({"max_s": nan}, "max_s"),
        ({"max_bytes": inf}, "max_bytes"),
        ({"path": "x.wav", "max_bytes": 5_000_000_000}, "WAV"),
        ({"picture_size": (641, 480)}, "picture_size"),
        ({"picture_size": (640,)}, "picture_size"),
        ({"picture_size": 640}, "picture_size"),
        ({"picture_size": (640.0, 480)}, "picture_size"),
        ({"fps": 0}, "fps"),
        ({"fps": 29.97}, "fps"),
        ({"fps": "15"}, "fps"),
        ({"max_s": "60"}, "max_s"),
        ({"max_s": None}, "max_s"),
        ({"max_bytes": "1GB"}, "max_bytes"),
    ],
)
def test_invalid_options(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Recorder(**{"path": "calls/{id}.ogg", **options})


@pytest.mark.parametrize("path", [None, 5, b"calls/{id}.ogg"])
def test_a_path_that_is_none(path: Any) -> None:
    with pytest.raises(TypeError, match=f"^path must be a string or a Path, not {path!r}"):
        Recorder(path)


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert Recorder("~/calls/{id}.ogg").template == "/home/me/calls/{id}.ogg"
    assert Recorder(Path("~") / "{id}.ogg").template == "/home/me/{id}.ogg"
    assert Recorder("calls/~{id}.ogg").template == "calls/~{id}.ogg"


def test_a_stream_is_recorded_with_what_it_has() -> None:
    audio = Recorder(Path("calls") / "{date}" / "{id}.ogg")
    video = Recorder("calls/{id}.webm")
    assert not audio.has_video and video.has_video and video.suffix == ".webm"
    Stream(Handler(), modality="audio", record=audio)
    Stream(lambda frame: frame, modality="video", record=video)
    for modality, recorder in (("audio", video), ("video", audio), ("audio", "calls/{id}.ogg")):
        handler = Handler() if modality == "audio" else lambda frame: frame
        with pytest.raises(ValueError, match="record"):
            Stream(handler, modality=modality, record=recorder)  # type: ignore[arg-type]


def test_the_sides_of_each_mode() -> None:
    assert sides_of("send-receive") == ("received", "played")
    assert sides_of("send") == ("received",)
    assert sides_of("receive") == ("played",)
