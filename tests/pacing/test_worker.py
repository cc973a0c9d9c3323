"""`player_worker_decode`: what it puts into the queue of a program's own track."""

import asyncio
import time
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from fastrtc.core.errors import WebRTCError
from fastrtc.core.outputs import AdditionalOutputs, CloseStream
from fastrtc.core.transcript import Transcript
from fastrtc.pacing.worker import player_worker_decode
from tests.support.peers import eventually

FRAME = np.arange(1, 961, dtype=np.int16)[None]


class Channel:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: str) -> None:
        self.sent.append(message)


async def worked(items: Iterable[Any], *, sync: bool = False, **options: Any) -> list[Any]:
    """What is in the queue when the source has given its items, and then None."""
    source = iter(items)

    def take() -> Any:
        item = next(source, None)
        if isinstance(item, Exception):
            raise item
        return item

    async def take_async() -> Any:
        return take()

    queue: asyncio.Queue[Any] = asyncio.Queue()
    options = {"channel": None, "set_additional_outputs": None, "quit_on_none": True} | options
    await player_worker_decode(take if sync else take_async, queue, asyncio.Event(), **options)
    return [queue.get_nowait() for _ in range(queue.qsize())]


@pytest.mark.parametrize("sync", [False, True])
async def test_frames_are_stereo_and_have_their_time(sync: bool):
    *frames, end = await worked([(48000, FRAME), (48000, FRAME[0])], sync=sync)

    assert end is None
    assert [(f.format.name, f.layout.name, f.sample_rate, f.samples) for f in frames] == [
        ("s16", "stereo", 48000, 960)
    ] * 2
    assert [(f.pts, f.time_base) for f in frames] == [
        (0, Fraction(1, 48000)),
        (960, frames[1].time_base),
    ]
    assert frames[0].to_ndarray().reshape(-1, 2).T.tolist() == [FRAME[0].tolist()] * 2


@pytest.mark.parametrize(
    ("items", "options", "sizes"),
    [
        ([(24000, FRAME)], {"sample_rate": 24000, "frame_size": 480}, [480, 480]),
        ([(48000, FRAME[:, :500]), (48000, FRAME[:, :500])], {}, [960]),
        ([(48000, FRAME.astype(np.float32) / 32768)], {}, [960]),
        ([(48000, np.concatenate([FRAME, FRAME]), "stereo")], {}, [960]),
        ([(24000, FRAME)] * 10, {}, [960] * 19),  # the resampler holds back a little
    ],
)
async def test_any_audio_comes_in_frames_of_one_size(items, options, sizes: list[int]):
    *frames, end = await worked(items, **options)

    assert [frame.samples for frame in frames] == sizes


async def test_outputs_are_delivered_and_told():
    channel, outputs = Channel(), []
    *frames, end = await worked(
        [
            ((48000, FRAME), Transcript("Hello")),
            ((48000, FRAME), AdditionalOutputs(1)),
            AdditionalOutputs(2),
        ],
        channel=lambda: channel,
        set_additional_outputs=outputs.append,
    )

    assert len(frames) == 2
    assert [one.args for one in outputs] == [(1,), (2,)]
    said, *told = channel.sent
    assert told == ['{"type": "fetch_output", "data": []}'] * 2
    assert said == Transcript("Hello").message()


async def test_the_end_of_the_stream_is_behind_its_audio():
    first, close, second, end = await worked([((48000, FRAME), CloseStream("bye")), (48000, FRAME)])

    assert close.msg == "bye"
    assert (first.pts, second.pts, end) == (0, 960, None)


async def test_what_fails_is_logged_and_asked_again(caplog):
    *frames, end = await worked([ValueError("oops"), (48000, "no audio"), (48000, FRAME)])

    assert len(frames) == 1
    assert "oops" in caplog.text


async def test_an_error_for_the_client_is_passed_on():
    with pytest.raises(WebRTCError, match="oops"):
        await worked([WebRTCError("oops")])


async def test_nothing_is_no_end_and_the_event_is():
    asked, quit, queue = [], asyncio.Event(), asyncio.Queue()
    began = time.monotonic()
    task = asyncio.create_task(
        player_worker_decode(lambda: asked.append(1), queue, quit, None, None)
    )
    await eventually(lambda: len(asked) >= 5)
    quit.set()
    await asyncio.wait_for(task, 5)

    assert len(asked) <= 50 * (time.monotonic() - began) + 1
    assert queue.empty()
