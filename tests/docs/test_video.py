"""What the programs of `docs/streams.md`, `docs/video.md` and `docs/audio-video.md` do."""

import numpy as np
import pytest

from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually

GREY = np.full((120, 160, 3), 120, np.uint8)


def local(stream):
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    return stream


def brightness(client: Client) -> float:
    return float(client.video_frames[-1][1].mean()) if client.video_frames else -1.0


async def test_function(snippet) -> None:
    stream = local(snippet("video/function.py").stream)
    async with Client(stream, video=VideoSource(picture=GREY)) as client:
        await eventually(lambda: brightness(client) == pytest.approx(60, abs=8))
        stream.set_input(client.webrtc_id, 1.0)
        await eventually(lambda: brightness(client) == pytest.approx(120, abs=8))


async def test_send(snippet) -> None:
    stream = local(snippet("video/send.py").stream)
    async with Client(stream, video=VideoSource(picture=GREY)) as client:
        output = await stream.fetch_latest_output(client.webrtc_id)
        assert output.args[0] == pytest.approx(120, abs=8)


async def test_receive(snippet) -> None:
    stream = local(snippet("video/receive.py").stream)
    async with Client(stream, video="recvonly") as client:
        await client.message("end_stream", "Stream ended")
        await eventually(lambda: brightness(client) > 150)  # the film ends in white


def test_fps(snippet) -> None:
    pictures = list(snippet("video/fps.py").moving_bar())
    assert {picture.shape for picture in pictures} == {(360, 640, 3)}
    assert not np.array_equal(pictures[0], pictures[1])


async def test_detection(snippet) -> None:
    picture = GREY.copy()
    picture[:60] = 240
    module = snippet("streams/detection.py")
    shown, outputs = module.bright_parts(picture, 128)
    assert outputs.args == (50,)
    assert shown[:60].min() == 240 and shown[60:].max() == 0


@pytest.mark.parametrize("name", ["echo", "sampled"])
async def test_audio_video(name: str, snippet) -> None:
    stream = local(snippet(f"audio-video/{name}.py").stream)
    source = VideoSource(picture=GREY)
    async with Client(stream, audio=AudioSource(), video=source) as client:
        await eventually(lambda: brightness(client) == pytest.approx(120, abs=8))
        if name == "sampled":
            await eventually(lambda: client.session.handler.seen is not None)
