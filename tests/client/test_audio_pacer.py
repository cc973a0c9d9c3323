import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from fastrtc.client.audio_pacer import AudioPacer


class Sent(list[NDArray[np.int16]]):
    def __init__(self) -> None:
        self.five = asyncio.Event()

    async def send(self, frame: NDArray[np.int16]) -> None:
        self.append(frame)
        if len(self) == 5:
            self.five.set()


async def test_frames_of_20_ms_are_sent_at_once_if_not_paced() -> None:
    sent = Sent()
    pacer = AudioPacer(8000, sent.send, paced=False)
    await pacer.push(8000, np.arange(400, dtype=np.int16))
    assert [len(frame) for frame in sent] == [160, 160]
    await pacer.drain()
    assert np.concatenate(sent).tolist() == [*range(400), *[0] * 80]


async def test_silence_is_sent_while_nothing_is_queued() -> None:
    sent = Sent()
    pacer = AudioPacer(8000, sent.send, paced=True)
    running = asyncio.ensure_future(pacer.run())
    await pacer.push(8000, np.ones((1, 320), np.float32))
    await asyncio.wait_for(sent.five.wait(), 30)
    running.cancel()
    assert [int(frame.max()) for frame in sent[:5]].count(0) >= 2
    assert sum(int(frame.max()) == 32767 for frame in sent) == 2


async def test_what_waits_is_released() -> None:
    pacer = AudioPacer(8000, Sent().send, paced=True)  # which does not run
    waiting = asyncio.ensure_future(pacer.push(8000, np.ones(8000, np.int16)))
    await asyncio.sleep(0)
    assert not waiting.done()
    pacer.clear()
    await waiting
    waiting = asyncio.ensure_future(pacer.push(8000, np.ones(8000, np.int16)))
    await asyncio.sleep(0)
    pacer.stop()
    await waiting


async def test_malformed_audio_is_an_error() -> None:
    pacer = AudioPacer(8000, Sent().send, paced=False)
    with pytest.raises(ValueError, match="rate"):
        await pacer.push(0, np.ones(1, np.int16))
    with pytest.raises(TypeError):
        await pacer.push(8000, np.array(["a"]))  # type: ignore[arg-type]
