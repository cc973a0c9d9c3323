"""Records a session in real time for each format, and kills itself right before a batch is due.

It prints when each recording began, and then when it is killed, and how long its event loop and its
other threads were held up in the last 1.5 s, in seconds.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from av import VideoFrame

from fastrtc import AsyncAudioVideoStreamHandler, Recorder
from fastrtc.core.types import Modality
from fastrtc.recording.sink import BATCH_S
from fastrtc.session.hooks import Hooks
from fastrtc.session.media import Media
from fastrtc.session.session import Session
from tests.support.bystander import MachineStalls

RATE = 48_000


class Silent(AsyncAudioVideoStreamHandler):
    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None:
        await asyncio.sleep(60)

    async def video_receive(self, frame: Any) -> None: ...

    async def video_emit(self) -> Any:
        await asyncio.sleep(0.1)
        return np.full((48, 64, 3), 200, np.uint8)

    def copy(self) -> "Silent":
        return Silent()


async def record(path: Path) -> None:
    recorder = Recorder(path, picture_size=(64, 48))
    session = Session("me", Silent(), deliver=print, release=print, hooks=Hooks(record=recorder))
    modality: Modality = "audio-video" if recorder.has_video else "audio"
    media = Media(session, modality, "send-receive")
    session.start()
    began = time.monotonic()
    print(began, path.suffix, flush=True)
    sound = np.random.default_rng(1).integers(-8000, 8000, (1, RATE // 50)).astype(np.int16)
    assert media.audio_in is not None and media.audio_out is not None
    sending = [asyncio.ensure_future(send_audio(media))]
    if media.video_out is not None:
        sending.append(asyncio.ensure_future(send_video(media)))
    for n in range(50 * 60):
        media.audio_in.push(RATE, sound)
        media.audio_out.push(RATE, sound)
        if media.video_in is not None and n % 3 == 0:
            media.video_in.push(VideoFrame(64, 48, "yuv420p"))
        await asyncio.sleep(began + (n + 1) / 50 - time.monotonic())
    await asyncio.gather(*sending)


async def send_audio(media: Media) -> None:
    while media.audio_out is not None:
        await media.audio_out.frame()


async def send_video(media: Media) -> None:
    while media.video_out is not None:
        await media.video_out.frame()


async def kill() -> None:
    """Kill this process after 2.3 s, 10 ms before the next batch of all recordings."""
    loop = asyncio.get_running_loop()
    at_s = ((loop.time() + 2.3) // BATCH_S + 1) * BATCH_S - 0.01
    late_s, stalls = 0.0, None
    while (due_s := loop.time() + 0.01) < at_s:
        await asyncio.sleep(0.01)
        if due_s > at_s - 1.5:
            stalls = stalls or MachineStalls()
            late_s = max(late_s, loop.time() - due_s)
    assert stalls is not None
    print(time.monotonic(), late_s + stalls.so_far(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    folder = Path(sys.argv[1])
    await asyncio.gather(*(record(folder / f"x{suffix}") for suffix in sys.argv[2:]), kill())


if __name__ == "__main__":
    asyncio.run(main())
