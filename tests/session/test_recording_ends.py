"""Recordings that end early, over memory, in virtual time: limits, and faults of the disk."""

import asyncio
import json
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastrtc import Context, Recorder, RecordingEnd, Stream
from fastrtc.recording.sink import BATCH_S
from fastrtc.recording.wav import WavSink
from fastrtc.session import recording as session_recording
from fastrtc.session.hooks import Hooks
from fastrtc.testing import Call
from tests.recording.sound import RATE, read, tone
from tests.session.recorded import Ends, errors, indicator, names, recorded, short, story
from tests.session.rig import Rig, until


async def test_a_disk_that_is_slow_at_the_end_delays_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ends, may_close = Ends(), threading.Event()
    close = WavSink.close

    def slow(sink: WavSink) -> None:
        assert may_close.wait(10)
        close(sink)

    monkeypatch.setattr(WavSink, "close", slow)
    monkeypatch.setattr(session_recording, "FINISH_TIMEOUT_S", 0.1)
    hooks = Hooks(record=Recorder(tmp_path / "x.wav", on_end=ends))
    async with Rig(hooks=hooks) as rig:
        await asyncio.sleep(0.05)
    assert rig.session.closed.is_set() and not ends.all and names(tmp_path) == ["x.wav"]
    assert "is not complete after" in caplog.text
    may_close.set()
    await until(lambda: ends.all)
    assert ends.one.reason == "ended" and ends.one.turns_path is not None
    report = json.loads(ends.one.turns_path.read_text())
    assert report["error"] is None and report["duration_s"] == ends.one.duration_s > 0


async def talk(stream: Stream) -> Call:
    """A call that goes on whatever happens to the recording."""
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.finish()
        await call.say((RATE, tone(0.6)))
        reply = await call.reply()
        await call.finish()
        assert reply.starts_s > 1
    return call


@pytest.mark.parametrize(("suffix", "limit"), [(".wav", 20_001), (".ogg", 3000)])
async def test_a_full_disk_costs_the_recording_and_not_the_call(
    tmp_path: Path, suffix: str, limit: int, caplog: pytest.LogCaptureFixture
) -> None:
    ends = Ends()
    stream = recorded(short, Recorder(tmp_path / f"x{suffix}", on_end=ends))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        call = await talk(stream)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    end = ends.one
    assert end.reason == "error" and end.error is not None and "large" in end.error
    assert indicator(call) == [True, False]
    (error,) = errors(caplog)
    assert "has failed; the connection continues" in error and str(tmp_path) in error
    assert end.path is not None
    assert end.size == end.path.stat().st_size == limit, "with the part of a write that fitted"
    seconds = read(end.path).shape[1] / RATE  # what was written is readable
    assert seconds > 0
    assert end.duration_s <= seconds + 0.03, "without what did not fit"
    assert end.duration_s > seconds - BATCH_S


async def test_a_folder_that_cannot_be_created(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    ends = Ends()
    call = await talk(recorded(short, Recorder(tmp_path / "file/x.ogg", on_end=ends)))
    assert (ends.one.reason, ends.one.path, ends.one.turns_path) == ("error", None, None)
    assert indicator(call) == [], "it was never told that it is recorded"
    assert len(errors(caplog)) == 1


@pytest.mark.parametrize("removed", ["folder", "file"])
async def test_a_recording_that_is_removed_during_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, removed: str
) -> None:
    ends = Ends()
    async with Call(recorded(short, Recorder(tmp_path / "calls/x.ogg", on_end=ends))) as call:
        await call.wait(1)
        (tmp_path / "calls/x.ogg").unlink()
        if removed == "folder":
            (tmp_path / "calls").rmdir()
        await call.wait(1)
    assert (ends.one.reason, ends.one.path, ends.one.turns_path) == ("error", None, None)
    [error] = errors(caplog)
    assert error.endswith(
        f"the recording {tmp_path / 'calls/x.ogg'} was removed before it was complete"
    )
    assert names(tmp_path) == ([] if removed == "folder" else ["calls"])


async def test_turns_that_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ends = Ends()
    async with Call(recorded(short, Recorder(tmp_path / "x.ogg", on_end=ends))) as call:
        await call.wait(1)
        (tmp_path / "x.ogg.json").mkdir()
    end = ends.one
    assert (end.reason, end.path, end.turns_path) == ("error", tmp_path / "x.ogg", None)
    [error] = errors(caplog)
    assert f"the turns of the recording {tmp_path / 'x.ogg'} cannot be written: " in error


async def test_a_limit_ends_the_recording(tmp_path: Path) -> None:
    ends = Ends()
    call = await talk(recorded(short, Recorder(tmp_path / "x.wav", max_s=1, on_end=ends)))
    assert ends.one.reason == "limit" and ends.one.duration_s == 1.0
    assert indicator(call) == [True, False]
    assert ends.one.turns_path is not None
    report = json.loads(ends.one.turns_path.read_text())
    assert report["stretches"] == [{"start_s": 0.0, "end_s": report["duration_s"]}]


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_the_turn_that_has_begun_at_a_limit_is_in_the_file(
    tmp_path: Path, withdrawn: bool
) -> None:
    """The reply of 5 s begins before 3 s; the next turn is after the limit."""
    ends, contexts = Ends(), list[Context]()
    recorder = Recorder(tmp_path / "x.wav", max_s=3, on_end=ends)
    async with Call(recorded(story, recorder, on_connect=contexts.append)) as call:
        await call.say((RATE, tone(0.6)))
        await call.wait(4.5)
        assert not ends.all and names(tmp_path) == ["x.wav"], "the turn is not complete"
        if withdrawn:
            contexts[0].recording.stop()
        await call.finish()
        assert ends.one.reason == "limit" and ends.one.duration_s == 3.0
        assert names(tmp_path) == ["x.wav", "x.wav.json"], "during the call"
        await call.say((RATE, tone(0.6)))
        await call.finish()
    report = json.loads((tmp_path / "x.wav.json").read_text())
    assert report["stretches"] == [{"start_s": 0.0, "end_s": 3.0}]
    if withdrawn:
        assert report["turns"] == []
    else:
        [turn] = report["turns"]
        assert turn["first_sent_s"] < 3 < turn["last_sent_s"]
        assert (turn["outcome"], turn["played_s"]) == ("completed", pytest.approx(5, abs=0.1))


async def test_speech_at_a_limit_that_gets_no_reply(tmp_path: Path) -> None:
    """The connection ends before the turn does."""
    ends = Ends()
    async with Call(recorded(short, Recorder(tmp_path / "x.wav", max_s=1, on_end=ends))) as call:
        await call.say((RATE, tone(2.5)))
        assert not ends.all
    assert ends.one.turns_path is not None
    assert json.loads(ends.one.turns_path.read_text())["turns"] == []


async def test_a_turn_that_does_not_end_is_not_awaited(tmp_path: Path) -> None:
    def endless(audio: Any) -> Iterator[Any]:
        while True:
            yield from story(audio)

    ends = Ends()
    async with Call(recorded(endless, Recorder(tmp_path / "x.wav", max_s=2, on_end=ends))) as call:
        await call.say((RATE, tone(0.6)))
        await call.wait(28)
        assert not ends.all
        await call.wait(6)
        assert ends.one.reason == "limit" and ends.one.turns_path is not None
        assert json.loads(ends.one.turns_path.read_text())["turns"] == []


async def test_an_on_end_that_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(end: RecordingEnd) -> None:
        raise RuntimeError("broken program")

    await talk(recorded(short, Recorder(tmp_path / "x.ogg", on_end=fail)))
    assert names(tmp_path) == ["x.ogg", "x.ogg.json"]
    assert len(errors(caplog)) == 1 and "on_end() failed" in errors(caplog)[0]
