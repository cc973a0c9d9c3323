"""Recordings with real peers, and of a process that is killed."""

import asyncio
import os
import signal
import time
from pathlib import Path

import av
import numpy as np
import pytest

from fastrtc import Interruptions, Recorder, Stream
from fastrtc.testing import Call
from tests.recording.sound import RATE, onsets, read, tone
from tests.session.test_recording import recorded, sides, story
from tests.support.forks import forked
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually
from tests.webrtc.handlers import AsyncAudioVideoEcho, flip
from tests.websocket.served import serve
from tests.websocket.test_resume import Ramp, begin, cut

FORMATS = (".ogg", ".wav", ".mp4", ".webm")


async def test_a_process_that_is_killed_leaves_files_up_to_a_second_before(tmp_path: Path) -> None:
    with forked("-m", "tests.faults.recording_app", str(tmp_path), *FORMATS) as process:
        assert process.stdout is not None
        lines = [await asyncio.to_thread(process.stdout.readline) for _ in FORMATS]
        await asyncio.sleep(2.3)
        killed_at = time.monotonic()
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait, 10)
    for line in lines:
        began, suffix = line.split()
        left, right = read(tmp_path / f"x{suffix}")
        assert len(left) / RATE > killed_at - float(began) - 1.0, suffix
        assert np.abs(left[-RATE:]).mean() > 1000 and np.abs(right[-RATE:]).mean() > 1000


async def test_over_a_network_both_sides_are_in_step_and_cut(tmp_path: Path) -> None:
    await asyncio.gather(*(talk(tmp_path / o, o) for o in ("webrtc", "websocket", "twilio")))


async def talk(tmp_path: Path, over: str) -> None:
    """A cough pauses the story, and later a voice interrupts it; what was sent is dropped."""
    recorder = Recorder(tmp_path / "{transport}.wav")
    stream = recorded(story, recorder, interruptions=Interruptions())
    async with Call(stream, over) as call:  # type: ignore[arg-type]
        await call.say((RATE, tone(0.6)), at=0.5)
        reply = await call.reply()
        await call.say((RATE, tone(0.15)), at=reply.starts_s + 0.6)
        await call.say((RATE, tone(0.8)), at=reply.starts_s + 2.8)
        await call.wait(1.2)
    (name,) = (name for name in os.listdir(tmp_path) if name.endswith(".wav"))
    assert name == {"twilio": "telephone"}.get(over, over) + ".wav"
    left, right = read(tmp_path / name)
    spoken, heard = sides(call, tmp_path / "caller.wav")
    shifts = [onsets(a)[0] - onsets(b)[0] for a, b in ((left, spoken), (right, heard))]
    near = 0.2 if over == "websocket" else 0.3  # the buffer of a client whose machine is busy
    assert -0.05 < shifts[0] < 0.4 and -0.5 < shifts[1] < 0.1, over
    for recording, caller, shift in ((left, spoken, shifts[0]), (right, heard, shifts[1])):
        assert len(onsets(recording)) == len(onsets(caller))
        assert onsets(recording) == pytest.approx(np.array(onsets(caller)) + shift, abs=near), over
    assert ends(right) == pytest.approx(np.array(ends(heard)) + shifts[1], abs=near), over
    assert loud_s(right) == pytest.approx(loud_s(heard), abs=near), over


def loud_s(samples: np.ndarray) -> float:
    return float((np.abs(samples.astype(int)) > 200).sum() / RATE)


def ends(samples: np.ndarray, pause_s: float = 0.3) -> list[float]:
    """When sounds end, in seconds."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 2000)
    last = np.concatenate((np.diff(loud) > pause_s * RATE, [True]))
    return (loud[last] / RATE).tolist()


async def test_a_session_that_is_resumed_has_one_recording(tmp_path: Path) -> None:
    """A ramp of 3 s: nothing of it is missing, or there twice."""
    recorder = Recorder(tmp_path / "x.wav")
    async with serve(Ramp(rate=24_000), resume_within_s=20, record=recorder) as served:
        async with served.client() as first:
            secret = (await begin(first, resume=True))["resume"]["secret"]
            heard = await first.hear(1.0)
            await cut(first)
        await asyncio.sleep(0.6)
        async with served.client() as second:
            await begin(second, resume=secret, received=0, heard=len(heard))
            await second.hear(1.8)
            await asyncio.sleep(0.5)
            await second.send({"event": "stop"})
        await served.is_empty()
    assert sorted(os.listdir(tmp_path)) == ["x.wav", "x.wav.json"]
    _, right = read(tmp_path / "x.wav")
    played = np.flatnonzero(right)
    (gap,) = np.flatnonzero(np.diff(played) > RATE // 20)
    before, after = right[played[gap]], right[played[gap + 1]]
    assert 6_000 < before < 12_000 and after - before < 400  # ramps 8000 a second
    assert len(played) / RATE == pytest.approx(3, abs=0.05)


FLASH_S = 0.8


class Flashes(VideoSource):
    """A black picture whose upper half is white for 0.2 s in each 0.8 s."""

    async def recv(self) -> av.VideoFrame:
        self.picture[: len(self.picture) // 2] = 255 * (self.sent / self.fps % FLASH_S > 0.6)
        return await super().recv()


def flashing() -> Flashes:
    return Flashes(picture=np.zeros((120, 160, 3), np.uint8))


async def test_video_of_both_sides_is_in_step_with_the_audio(tmp_path: Path) -> None:
    """MP4 of audio and video, and WebM of video alone; the played pictures are upside down."""
    beeps = np.tile(np.concatenate((np.zeros(round(0.6 * RATE), np.int16), tone(0.2))), 10)
    both = Stream(
        AsyncAudioVideoEcho(),
        modality="audio-video",
        mode="send-receive",
        record=Recorder(tmp_path / "both.mp4", picture_size=(160, 120)),
        server_rtc_configuration=LOCAL,
    )
    video = Stream(
        flip,
        modality="video",
        mode="send-receive",
        record=Recorder(tmp_path / "video.webm", picture_size=(160, 120)),
        server_rtc_configuration=LOCAL,
    )
    audio, flash = AudioSource(beeps), flashing()
    audio.started_at = flash.started_at = asyncio.get_running_loop().time() + 0.8
    async with (
        Client(both, audio=audio, video=flash) as talker,
        Client(video, video=flashing()) as viewer,
    ):
        await eventually(lambda: len(talker.video_frames) > 10 and len(viewer.video_frames) > 10)
        await asyncio.sleep(4)
    left, right = read(tmp_path / "both.mp4")
    seen = flashes(tmp_path / "both.mp4")
    assert min(len(onsets(left)), len(onsets(right)), len(seen[0]), len(seen[1])) >= 4
    beats, shown = np.array(onsets(left)), np.array(seen[0])
    late = [at - beats[np.abs(beats - at).argmin()] for at in shown[1:-1]]
    assert -0.05 < np.median(late) < 0.2  # encoded and decoded, and at the next 1/15 s
    assert all(len(side) >= 4 for side in flashes(tmp_path / "video.webm"))


def flashes(path: Path) -> list[list[float]]:
    """When the upper half of the left picture, and the lower half of the right one, is white."""
    found: list[list[float]] = [[], []]
    before = [False, False]
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            gray = frame.to_ndarray(format="gray")
            assert gray.shape == (120, 320)
            for side, part in enumerate((gray[30, 40:120], gray[90, 200:280])):
                white = bool(part.mean() > 150)
                if white and not before[side]:
                    found[side].append(float(frame.pts * frame.time_base))
                before[side] = white
    return found
