"""Recordings with real peers, and of a process that is killed."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiortc.rtp import RtcpSrPacket

from fastrtc import Context, Recorder, Stream
from tests.recording.sound import RATE, onsets, read, tone
from tests.support.connections import connections_of
from tests.support.forks import forked
from tests.support.peers import (
    LOCAL,
    AudioSource,
    Client,
    Network,
    VideoSource,
    eventually,
    shape_network,
)
from tests.support.stalls import AUDIBLE_S, TRIES, Stalls
from tests.webrtc.handlers import AsyncAudioEcho, AsyncAudioVideoEcho, flip
from tests.websocket.served import serve
from tests.websocket.test_resume import Ramp, begin, cut

FORMATS = (".ogg", ".wav", ".mp4", ".webm")


async def test_a_process_that_is_killed_leaves_files_up_to_a_second_before(tmp_path: Path) -> None:
    """Or earlier by as much as the threads of the process were late."""
    with forked("-m", "tests.faults.recording_app", str(tmp_path), *FORMATS) as process:
        assert process.stdout is not None
        *lines, last = await asyncio.to_thread(process.stdout.readlines)
        assert await asyncio.to_thread(process.wait, 10) == -signal.SIGKILL
    killed_at, late_s = map(float, last.split())
    for line in lines:
        began, suffix = line.split()
        left, right = read(tmp_path / f"x{suffix}")
        assert len(left) / RATE > killed_at - float(began) - 1.0 - late_s, suffix
        assert np.abs(left[-RATE:]).mean() > 1000 and np.abs(right[-RATE:]).mean() > 1000


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
            await second.hear(2.9 - len(heard) / 24_000)
            await asyncio.sleep(1.0)  # until all is played: by a stall later than it was sent
            await second.send({"event": "stop"})
        await served.is_empty()
    assert sorted(os.listdir(tmp_path)) == ["x.wav", "x.wav.json"]
    _, right = read(tmp_path / "x.wav")
    played = np.flatnonzero(right)
    silent = np.diff(played)
    gaps = np.flatnonzero(silent > RATE // 20)  # the outage, and stalls of the machine
    before, after = (right[played[at]].astype(int) for at in (gaps, gaps + 1))
    assert (np.abs(after - before) < 400).all()  # ramps 8000 a second
    outages = before[silent[gaps] > 0.3 * RATE]  # 0.6 s, without what was sent ahead
    assert ((outages > 6_000) & (outages < 12_000)).any()
    assert len(played) / RATE == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("suffix", [".ogg", ".wav"])
async def test_what_a_slow_network_still_has_at_the_consent_is_left_out(
    tmp_path: Path, suffix: str
) -> None:
    """All packets come 0.6 s late from shortly before it; the tone becomes lower at it."""
    contexts: list[Context] = []
    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        mode="send-receive",
        record=Recorder(tmp_path / f"x{suffix}", start="manual"),
        on_connect=contexts.append,
        server_rtc_configuration=LOCAL,
    )
    source, network = AudioSource(tone(20, 1000)), Network(late_by=0.6)
    async with Client(stream, audio=source) as client:
        shape_network(client.pc, network)
        await eventually(lambda: client.loud())
        network.late_every = 1
        await asyncio.sleep(0.3)
        source.samples = tone(20, 300)
        await asyncio.sleep(0.06)  # what had been encoded is sent
        contexts[0].recording.start()
        sent = source.sent
        await eventually(lambda: source.sent > sent + 2 * RATE)
    left, _ = read(tmp_path / f"x{suffix}")
    begin = np.flatnonzero(np.abs(left) > 1000)[0]
    spectrum = np.abs(np.fft.rfft(left[begin : begin + RATE // 2] * np.hanning(RATE // 2)))
    assert spectrum[140:160].max() > 100 * spectrum[490:510].max()


FLASH_S = 0.8


class Flashes(VideoSource):
    """A black picture whose upper half is white for 0.2 s in each 0.8 s."""

    async def recv(self) -> av.VideoFrame:
        white = self.sent % round(FLASH_S * self.fps) >= round(0.6 * self.fps)
        self.picture[: len(self.picture) // 2] = 255 * white
        return await super().recv()


def flashing() -> Flashes:
    return Flashes(picture=np.zeros((120, 160, 3), np.uint8))


LATE_S = 0.3
FRAME_S = 1 / 15
NTP = 3_970_000_000 << 32


def report_captures(sender: Any, clock: int) -> None:
    """Patch a sender to report when its media were captured; aiortc reports when they were sent."""
    encode, send = sender._next_encoded_frame, sender._send_rtcp
    captured = 0

    async def next_encoded_frame(codec: Any) -> Any:
        nonlocal captured
        frame = await encode(codec)
        captured = captured if frame is None else frame.timestamp
        return frame

    async def send_rtcp(packets: list[Any]) -> None:
        for packet in packets:
            if isinstance(packet, RtcpSrPacket) and packet.sender_info.packet_count:
                packet.sender_info.ntp_timestamp = NTP + (captured << 32) // clock
        await send(packets)

    sender._next_encoded_frame, sender._send_rtcp = next_encoded_frame, send_rtcp


def watches_reports(stream: Stream, client: Client) -> bool:
    """Whether the server looks at the sender reports of a client."""
    receivers = (t.receiver for t in stream.pcs[client.webrtc_id].getTransceivers())
    return all("_handle_rtcp_packet" in vars(receiver) for receiver in receivers)


async def test_video_of_both_sides_is_in_step_with_the_audio(tmp_path: Path) -> None:
    """MP4 of audio and video, and WebM of video alone; the played pictures are upside down.

    The encoder of the video is so slow that it comes 0.3 s after the audio of its moment. A machine
    that stalls for longer than audio and pictures are held back records them again.
    """
    for number in range(TRIES):
        late, stalled_s = await record_flashes(tmp_path / str(number))
        in_step = abs(np.median(late)) < FRAME_S + 0.03 + stalled_s
        if in_step or stalled_s < AUDIBLE_S:
            break
    assert in_step, (late, stalled_s)


async def record_flashes(folder: Path) -> tuple[np.ndarray, float]:
    """Return how late flashes are shown after the beeps of their moment, and the longest stall."""
    beeps = np.tile(np.concatenate((np.zeros(round(0.6 * RATE), np.int16), tone(0.2))), 40)
    both = Stream(
        AsyncAudioVideoEcho(),
        modality="audio-video",
        mode="send-receive",
        record=Recorder(folder / "both.mp4", picture_size=(160, 120)),
        server_rtc_configuration=LOCAL,
    )
    video = Stream(
        flip,
        modality="video",
        mode="send-receive",
        record=Recorder(folder / "video.webm", picture_size=(160, 120)),
        server_rtc_configuration=LOCAL,
    )
    audio, flash, stalls = AudioSource(beeps), flashing(), Stalls()
    stalls.watch()
    audio.started_at = asyncio.get_running_loop().time() + 0.8
    flash.started_at = audio.started_at + LATE_S
    talker = Client(both, audio=audio, video=flash)
    for sender, clock in zip(talker.pc.getSenders(), (RATE, 90_000), strict=True):
        report_captures(sender, clock)
    async with talker, Client(video, video=flashing()) as viewer:
        await eventually(lambda: len(talker.video_frames) > 10 and len(viewer.video_frames) > 10)
        assert [watches_reports(both, talker), watches_reports(video, viewer)] == [True, False]
        video_in = connections_of(both).media[talker.webrtc_id].video_in
        await eventually(lambda: video_in.clocks.audio_time(0.0) is not None)
        known_s = flash.sent / flash.fps
        until = flash.sent + 5 * round(FLASH_S * flash.fps)
        await eventually(lambda: flash.sent >= until)
    stalls.end()
    for name in ("both.mp4", "video.webm"):
        assert json.loads((folder / f"{name}.json").read_text())["video"] is True
    left, right = read(folder / "both.mp4")
    seen = flashes(folder / "both.mp4")
    assert min(len(onsets(left)), len(onsets(right)), len(seen[0]), len(seen[1])) >= 3
    assert all(len(side) >= 4 for side in flashes(folder / "video.webm"))
    beeps_at, shown = np.array(onsets(left)), np.array(seen[0])
    shown = shown[shown > beeps_at[0] - 0.6 + known_s + 0.5]
    assert len(shown) >= 3
    # of the latest beep before each, or a little after it: audio may be placed anew after a stall
    after = shown - beeps_at[np.searchsorted(beeps_at, shown + 0.2) - 1]
    late = (after + 0.2) % FLASH_S - 0.2
    return late, stalls.longest(flash.started_at + known_s, np.inf)


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
