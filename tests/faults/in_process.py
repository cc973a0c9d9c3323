"""Sessions without a transport, and clients of them that send and take all there is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from fastrtc import AdditionalOutputs
from fastrtc.pacing.picture import to_frame
from fastrtc.session.media import Media
from fastrtc.session.session import Session

__all__ = ["CHUNK", "LOUD", "PICTURE", "Ears", "Rig", "connected"]

CHUNK = np.full((1, 960), 1000, np.int16)
LOUD = np.full((1, 960), 9000, np.int16)
PICTURE = np.zeros((16, 16, 3), np.uint8)


class Rig:
    """A session without a transport, what its client is told, and what its callbacks were."""

    def __init__(self, session: Session, modality: Any, mode: Any) -> None:
        self.told: list[str] = []
        self.session = session
        session.outbox.open(self._tell)
        self.media = Media(session, modality, mode)
        self.samples = CHUNK

    def _tell(self, message: str) -> None:
        if '"error"' in message:
            self.told.append(message)

    async def send(self) -> None:
        """Speak and film, and listen and look, as a client does."""
        media = self.media
        while True:
            if media.audio_in is not None:
                media.audio_in.push(48000, self.samples)
            if media.video_in is not None:
                media.video_in.push(to_frame(PICTURE))
            await asyncio.sleep(0.005)

    async def listen(self) -> None:
        assert self.media.audio_out is not None
        while True:
            await self.media.audio_out.frame()

    async def look(self) -> None:
        assert self.media.video_out is not None
        while True:
            await self.media.video_out.frame()


@asynccontextmanager
async def connected(
    handler: Any,
    modality: Any,
    mode: Any = "send-receive",
    deliver: Callable[[AdditionalOutputs], None] = lambda outputs: None,
) -> AsyncIterator[Rig]:
    """Connect a client to a handler, and close the session at the end."""
    session = await Session.create("me", handler, deliver=deliver, release=lambda session: None)
    rig = Rig(session, modality, mode)
    rig.session.start()
    tasks = [asyncio.create_task(rig.send())]
    if rig.media.audio_out is not None:
        tasks.append(asyncio.create_task(rig.listen()))
    if rig.media.video_out is not None:
        tasks.append(asyncio.create_task(rig.look()))
    try:
        yield rig
    finally:
        rig.session.close("enough")
        await asyncio.wait_for(rig.session.closed.wait(), 20)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class Ears:
    """Takes what is loud for speech; calls a function at its second call."""

    def __init__(self, second: Callable[[], None] = lambda: None) -> None:
        self.second = second
        self.heard = 0

    def vad(self, audio: Any, options: Any) -> tuple[float, list[Any]]:
        self.heard += 1
        if self.heard == 2:
            self.second()
        rate, samples = audio
        samples = np.asarray(samples).reshape(-1)
        return (samples.size / rate if np.abs(samples.astype(int)).max() > 5000 else 0.0), []

    def warmup(self) -> None: ...
