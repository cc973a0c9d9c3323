"""Recordings of calls over memory, in virtual time: positions, and what is in the file."""

import asyncio
import gc
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fastrtc import (
    AsyncStreamHandler,
    Context,
    Recorder,
    Stream,
    Turn,
    get_current_context,
)
from fastrtc.recording.taps import Taps
from fastrtc.testing import Call
from tests.recording.sound import RATE, onsets, read, tone
from tests.session.recorded import Ends, indicator, names, recorded, short, story
from tests.session.rig import Rig
from tests.testing.programs import RATE as PROGRAM_RATE
from tests.testing.programs import tone as program_tone
from tests.webrtc.handlers import AsyncAudioVideoEcho


def sides(call: Call, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """What the caller said and heard, in the place of a recording."""
    call.save(path)
    left, right = read(path)
    return left, right


@pytest.mark.parametrize("suffix", [".wav", ".ogg"])
async def test_both_sides_in_step_with_the_caller(tmp_path: Path, suffix: str) -> None:
    """The reply is interrupted once; what was not played is not in the recording."""
    ends = Ends()
    stream = recorded(story, Recorder(tmp_path / f"{{id}}{suffix}", on_end=ends))
    async with Call(stream) as call:
        await call.wait(0.53)
        await call.say((RATE, tone(1.0)))
        reply = await call.reply()
        await call.say((RATE, tone(0.6)), at=reply.starts_s + 2)
        await call.finish()
    end = ends.one
    assert (end.reason, end.error, end.lost_s) == ("ended", None, 0.0)
    assert end.path is not None and end.path.stat().st_size == end.size
    assert threading.current_thread().name not in ends.threads
    left, right = read(end.path)
    assert left.size / RATE == pytest.approx(end.duration_s, abs=0.03)
    spoken, heard = sides(call, tmp_path / "caller.wav")
    assert len(onsets(left)) == 2 and len(onsets(right)) == 2
    assert np.array(onsets(left)) == pytest.approx(onsets(spoken), abs=0.003)
    assert np.array(onsets(right)) == pytest.approx(np.array(onsets(heard)) - 0.06, abs=0.003)
    loud = np.flatnonzero(np.abs(right.astype(int)) > 2000)
    breaks = np.flatnonzero(np.diff(loud) > RATE // 4)
    ended_s = loud[breaks[0]] / RATE  # the interrupted reply
    caller = np.flatnonzero(np.abs(heard.astype(int)) > 2000)
    caller_ended_s = caller[np.flatnonzero(np.diff(caller) > RATE // 4)[0]] / RATE
    assert ended_s == pytest.approx(caller_ended_s - 0.06, abs=0.003)
    assert indicator(call) == [True]
    assert end.turns_path == Path(f"{end.path}.json")
    report = json.loads(end.turns_path.read_text())
    assert [turn["outcome"] for turn in report["turns"]] == ["interrupted", "completed"]
    for turn, said, answered in zip(report["turns"], onsets(left), onsets(right), strict=True):
        assert turn["speech_began_s"] == pytest.approx(said, abs=0.25)
        assert turn["first_sent_s"] == pytest.approx(answered, abs=0.03)
    assert report["turns"][0]["last_sent_s"] == pytest.approx(ended_s, abs=0.05)
    assert report["file"] == end.path.name and report["sides"] == ["received", "played"]
    assert report["stretches"] == [
        {"start_s": 0.0, "end_s": pytest.approx(end.duration_s, abs=0.01)}
    ]


class Beeps(AsyncStreamHandler):
    """Answers the first sound after a pause with a tone, 0.3 s later."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: asyncio.Queue[Any] = asyncio.Queue()
        self.quiet = True

    async def receive(self, frame: Any) -> None:
        loud = bool(np.abs(frame[1].astype(int)).max() > 2000)
        if loud and self.quiet:
            asyncio.get_running_loop().call_later(
                0.3, self.answers.put_nowait, (PROGRAM_RATE, program_tone(0.4))
            )
        self.quiet = not loud

    async def emit(self) -> Any:
        return await self.answers.get()

    def copy(self) -> "Beeps":
        return Beeps()


async def test_a_turn_that_the_caller_ends_is_in_the_file(tmp_path: Path) -> None:
    ends = Ends()
    async with Call(recorded(story, Recorder(tmp_path / "{id}.wav", on_end=ends))) as call:
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.wait(1)
    assert ends.one.turns_path is not None
    (turn,) = json.loads(ends.one.turns_path.read_text())["turns"]
    assert turn["outcome"] == "interrupted" and turn["played_s"] == pytest.approx(1, abs=0.2)


MINUTES = 14


@pytest.mark.timeout(300)  # it computes for 6 s
async def test_a_call_of_14_minutes_on_a_bad_network_stays_in_step(tmp_path: Path) -> None:
    ends = Ends()
    recorder = Recorder(tmp_path / "{id}.wav", on_end=ends)
    stream = Stream(Beeps(), modality="audio", mode="send-receive", record=recorder)
    said = np.zeros(30 * RATE, np.int16)
    for second in range(0, 30, 6):
        said[second * RATE : second * RATE + RATE // 5] = tone(0.2)
    async with Call(stream, loss=0.05, jitter_ms=60, seed=3) as call:
        for n in range(MINUTES * 2):
            await call.say((RATE, said), at=1.0 + n * 30)
    assert ends.one.path is not None
    left, right = read(ends.one.path)
    assert ends.one.duration_s == pytest.approx(MINUTES * 60 - 4.8, abs=0.5)
    wanted = 1.0 + np.arange(0, MINUTES * 60, 6)
    for channel, shift_s in ((left, 0.0), (right, 0.3)):
        heard = np.array(onsets(channel, 1.0))
        nearest = np.abs(heard[:, np.newaxis] - wanted - shift_s).min(axis=1)
        assert len(heard) > 0.8 * len(wanted)
        assert np.median(nearest[-20:]) < 0.1
    spoken, answered = np.array(onsets(left, 1.0)), np.array(onsets(right, 1.0))
    distance = [answered[np.argmin(np.abs(answered - at - 0.3))] - at for at in spoken]
    first, last = np.median(distance[:10]), np.median(distance[-10:])
    assert abs(last - first) < 0.02
    late = [at - wanted[np.argmin(np.abs(wanted - at))] for at in spoken]
    assert abs(np.median(late[-10:]) - np.median(late[:10])) < 0.02


async def test_only_what_the_speaker_consents_to_is_recorded(tmp_path: Path) -> None:
    ends = Ends()
    recorder = Recorder(tmp_path / "{id}.wav", start="manual", on_end=ends)
    contexts: list[Context] = []
    stream = recorded(short, recorder, on_connect=contexts.append)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.5)), at=0.5)
        recording = contexts[0].recording
        assert not recording.active and not names(tmp_path)
        await call.wait(2.5)
        recording.start()  # from another thread, as that of a sync function
        assert recording.active
        await call.wait(0.1)
        await call.say((RATE, tone(0.5)), at=4.0)
        await call.wait(2)
        recording.stop()
        await call.wait(0.1)
        assert not recording.active
        await call.say((RATE, tone(0.5)), at=8.0)
        await call.wait(2)
        recording.start()
        recording.start()
        await call.wait(0.1)
        await call.say((RATE, tone(0.5)), at=12.0)
        await call.wait(1)
    assert not recording.active
    recording.start()  # too late, and harmless
    assert ends.one.path is not None and ends.one.turns_path is not None
    left, _ = read(ends.one.path)
    report = json.loads(ends.one.turns_path.read_text())
    assert len(report["turns"]) == 2  # of four
    (first, second) = report["stretches"]
    began = contexts[0]
    assert began is not None and first["start_s"] == 0.0
    heard = onsets(left)
    assert len(heard) == 2  # of four
    assert first["start_s"] < heard[0] < first["end_s"] < second["start_s"] < heard[1]
    assert heard[1] - heard[0] == pytest.approx(8.0, abs=0.005)  # positions hold over the pause
    assert indicator(call)[:3] == [True, False, True]


class Beeper(AsyncStreamHandler):
    """Beeps for 0.2 s each second; three of them in the test below, the last two recorded."""

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        await asyncio.sleep(1.0)
        return PROGRAM_RATE, program_tone(0.2)

    def copy(self) -> "Beeper":
        return Beeper()


async def test_what_was_said_before_the_start_is_no_turn(tmp_path: Path) -> None:
    contexts: list[Context] = []
    ends = Ends()
    recorder = Recorder(tmp_path / "{id}.wav", start="manual", on_end=ends)
    stream = Stream(
        Beeper(),
        modality="audio",
        mode="send-receive",
        record=recorder,
        on_connect=contexts.append,
    )
    async with Call(stream) as call:
        await call.wait(1.7)  # after a beep
        contexts[0].recording.start()
        await call.wait(1.7)
    assert ends.one.turns_path is not None
    turns = json.loads(ends.one.turns_path.read_text())["turns"]
    assert [turn["played_s"] for turn in turns] == pytest.approx([0.2, 0.2], abs=0.03)


@pytest.mark.parametrize("place", ["on_turn", "function"])
async def test_a_stop_after_a_reply(tmp_path: Path, place: str) -> None:
    """A function runs ahead of what is played; `on_turn` is called at its end."""

    def reply(audio: Any) -> Iterator[Any]:
        yield from story(audio)
        if place == "function":
            get_current_context().recording.stop()

    def on_turn(turn: Turn) -> None:
        if place == "on_turn":
            get_current_context().recording.stop()

    ends = Ends()
    stream = recorded(reply, Recorder(tmp_path / "x.wav", on_end=ends), on_turn=on_turn)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.finish()
    assert ends.one.path is not None and ends.one.turns_path is not None
    heard_s = np.count_nonzero(np.abs(read(ends.one.path)[1].astype(int)) > 2000) / RATE
    assert heard_s > 4 if place == "on_turn" else heard_s < 4
    turns = json.loads(ends.one.turns_path.read_text())["turns"]
    assert [turn["outcome"] for turn in turns] == ["completed"] * (place == "on_turn")


async def test_after_a_stop_nothing_is_noted_any_more(tmp_path: Path) -> None:
    contexts: list[Context] = []
    stream = recorded(short, Recorder(tmp_path / "x.wav"), on_connect=contexts.append)
    async with Call(stream) as call:
        await call.wait(0.5)
        contexts[0].recording.stop()
        await call.wait(0.5)
        gc.collect()
        assert not [item for item in gc.get_objects() if type(item) is Taps]


async def test_a_stream_without_recorder() -> None:
    async with Rig() as rig:
        assert not rig.context.recording.active
        rig.context.recording.stop()
        with pytest.raises(RuntimeError, match="no recorder"):
            rig.context.recording.start()
    with pytest.raises(RuntimeError, match="no recorder"):
        Context("me").recording.start()


async def test_a_reply_of_a_generator_stream_is_recorded(tmp_path: Path) -> None:
    async def speech() -> AsyncIterator[Any]:
        yield PROGRAM_RATE, program_tone(0.5)

    stream = Stream(
        speech, modality="audio", mode="receive", record=Recorder(tmp_path / "{id}.wav")
    )
    async with Call(stream) as call:
        call.inputs()
        await call.reply()
        await call.finish()
    wav, report = names(tmp_path)
    assert json.loads((tmp_path / report).read_text())["sides"] == ["received", "played"]
    left, right = read(tmp_path / wav)
    assert not left.any() and len(onsets(right)) == 1


async def test_audio_and_video_over_a_transport_without_video(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "x.mp4")
    stream = Stream(AsyncAudioVideoEcho(), modality="audio-video", record=recorder)
    async with Call(stream, "memory") as call:
        await call.say((RATE, tone(0.5)))
    report = json.loads((tmp_path / "x.mp4.json").read_text())
    assert (report["video"], report["sides"]) == (False, ["received", "played"])
    with av.open(str(tmp_path / "x.mp4")) as container:
        assert (len(container.streams.video), len(container.streams.audio)) == (0, 1)
