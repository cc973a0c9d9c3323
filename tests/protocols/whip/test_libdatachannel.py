"""A sender and a player with libdatachannel, the library that OBS uses."""

import asyncio
import base64
import json
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.protocols.whip.test_clients import SECRET, served, sweep
from tests.support.connections import places
from tests.support.npm import INSTALL, npm
from tests.support.peers import eventually, tone
from tests.support.programs import require_program
from tests.webrtc.handlers import (
    AsyncAudioVideoEcho,
    frequency,
    is_red_on_top,
    red_on_top,
)

FOLDER = Path(__file__).parent / "libdatachannel"
RATE, FPS, SECONDS = 48_000, 25, 2

pytestmark = pytest.mark.external("npm")


async def install() -> None:
    """Install what the lock file says, unless it is there."""
    installed = FOLDER / "node_modules" / ".package-lock.json"
    wanted = FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        await asyncio.to_thread(npm, FOLDER, "ci", *INSTALL)


@asynccontextmanager
async def running(program: str, *arguments: str) -> AsyncIterator[Process]:
    command = [require_program("npm").with_name("node"), FOLDER / program, *arguments]
    node = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    try:
        yield node
    finally:
        if node.returncode is None:
            node.kill()
            await node.wait()


async def while_running(program: Process, condition: Callable[[], Any]) -> None:
    """Wait until a condition holds; fail with the program's output if it ends before."""
    await eventually(lambda: program.returncode is not None or condition())
    if program.returncode is not None:
        said, _ = await program.communicate()
        pytest.fail(f"It has ended with {program.returncode}: {said.decode()}")


def write_media(path: Path) -> None:
    """Write frames for `sender.mjs`: red above blue as H.264, and a tone as Opus."""
    frames: list[tuple[float, str, bytes]] = []
    video = av.CodecContext.create("libx264", "w")
    video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
    video.time_base, video.framerate, video.gop_size = Fraction(1, FPS), Fraction(FPS), FPS
    video.options = {"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency"}
    for k in range(SECONDS * FPS):
        picture = av.VideoFrame.from_ndarray(red_on_top(320, 240), format="bgr24")
        picture.pts = k
        frames += [(k / FPS, "video", bytes(packet)) for packet in video.encode(picture)]
    audio = av.CodecContext.create("libopus", "w")
    audio.sample_rate, audio.layout, audio.format = RATE, "stereo", "s16"
    sound = np.repeat(tone(SECONDS), 2).reshape(-1, 2)
    for k in range(SECONDS * 50):
        piece = np.ascontiguousarray(sound[k * 960 : (k + 1) * 960]).reshape(1, -1)
        heard = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
        heard.sample_rate, heard.pts = RATE, k * 960
        frames += [(k / 50, "audio", bytes(packet)) for packet in audio.encode(heard)]
    lines = (
        json.dumps({"kind": kind, "at": at, "data": base64.b64encode(data).decode()})
        for at, kind, data in sorted(frames)
    )
    path.write_text("\n".join(lines))


async def test_a_sender_and_a_player(tmp_path: Path) -> None:
    await install()
    media = tmp_path / "media.jsonl"
    await asyncio.to_thread(write_media, media)
    options = {"modality": "audio-video", "mode": "send-receive"}
    with served(AsyncAudioVideoEcho(), **options) as (stream, url):
        token = stream.tokens(SECRET).issue(user="anna")
        async with running("sender.mjs", f"{url}/whip", str(media), "wrong") as refused:
            said, _ = await refused.communicate()
            assert refused.returncode == 1 and b"401" in said.splitlines(), said
        async with running("sender.mjs", f"{url}/whip", str(media), token) as sender:
            await while_running(sender, lambda: stream.handlers)
            (taking,) = stream.handlers.values()
            await while_running(sender, lambda: any(map(is_red_on_top, taking.seen)))
            await while_running(sender, lambda: len(taking.samples()) > 24_000)
            assert frequency(taking.samples()[-12_000:], 24_000) == pytest.approx(440, abs=5)
            said, _ = await sender.communicate(b"")  # it ends, and sends DELETE
            assert sender.returncode == 0, said
        await eventually(lambda: places(stream) == 0)

    with served(sweep, modality="audio", mode="receive") as (stream, url):
        async with running("player.mjs", f"{url}/whep") as player:
            said, _ = await player.communicate()
            assert player.returncode == 0, said
        await eventually(lambda: places(stream) == 0)
