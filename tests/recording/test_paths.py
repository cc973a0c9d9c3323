"""Names of files: no client leaves the folder or overwrites a file."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from fastrtc.recording.paths import check_template, create_file, fill_template, safe_name

NOW = datetime(2026, 11, 29, 7, 8, 9)


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("abc-1_2.3", "abc-1_2.3"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("..", "_."),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\temp\\x", "C__temp_x"),
        ("a\0b\nc", "a_b_c"),
        ("", "_"),
        (".hidden", "_hidden"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("ключ", "____"),
        ("x" * 300, "x" * 64),
        ("{date}", "_date_"),
    ],
)
def test_an_id_is_no_path(id: str, name: str, tmp_path: Path) -> None:
    assert safe_name(id) == name
    path = fill_template(f"{tmp_path}/{{id}}.ogg", id, "webrtc", NOW)
    assert path.resolve().parent == tmp_path.resolve()
    made, descriptor = create_file(path)
    os.close(descriptor)
    assert made.parent == tmp_path


def test_placeholders() -> None:
    path = fill_template("a/{date}/{time}-{transport}-{id}.wav", "me", "telephone", NOW)
    assert path == Path("a/2026-11-29/070809-telephone-me.wav")


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{name}.ogg", "{name}"),
        ("{id!r}.ogg", "without conversion or format, not {id!r}"),
        ("{id:>9}.ogg", "without conversion or format, not {id:>9}"),
        ("{time:%H}.ogg", "without conversion or format, not {time:%H}"),
        ("{id.__class__}.ogg", "{id.__class__}"),
        ("{}.ogg", "{}"),
        ("{id.ogg", "braces"),
        ("calls/{id}", "must end in"),
        ("calls/{id}.mp3", "must end in"),
        ("s3://bucket/{id}.ogg", "no URL"),
        ("S3:/bucket/{id}.ogg", "no URL"),  # as a Path
        ("file:///tmp/{id}.ogg", "no URL"),
        ("calls/\0{id}.ogg", "NUL"),
        ("~unknown-user/{id}.ogg", 'write "./~unknown-user"'),
    ],
)
def test_invalid_templates(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match="path of a recording") as raised:
        check_template(template, (".ogg", ".wav"))
    assert problem in str(raised.value)


@pytest.mark.parametrize("template", ["c:/calls/{id}.ogg", "./~me/{id}.ogg", "a:b/{{x}}.wav"])
def test_valid_templates(template: str) -> None:
    check_template(template, (".ogg", ".wav"))


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    wanted = tmp_path / "deep/er/call.ogg"
    made = []
    for _ in range(3):
        path, descriptor = create_file(wanted)
        os.write(descriptor, b"x")
        os.close(descriptor)
        made.append(path.name)
    assert made == ["call.ogg", "call-2.ogg", "call-3.ogg"]
    assert oct(wanted.stat().st_mode & 0o777) == "0o600"
    (wanted.parent / "call-4.ogg.json").write_text("of another one")
    (wanted.parent / "call-5.ogg").symlink_to("/nowhere/at/all")  # nor is a link followed
    path, descriptor = create_file(wanted)
    os.close(descriptor)
    assert path.name == "call-6.ogg"


def test_a_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        create_file(tmp_path / "file/call.ogg")
