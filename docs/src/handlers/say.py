import asyncio

import numpy as np

from fastrtc import AsyncStreamHandler, Stream


def tone(frequency, seconds):
    phase = np.arange(int(seconds * 24000)) * frequency * 2 * np.pi / 24000
    return 24000, (np.sin(phase) / 4).astype("float32")


class Clock(AsyncStreamHandler):
    """Echoes the user, and strikes every minute."""

    def __init__(self):
        super().__init__(input_sample_rate=24000)
        self.frames = asyncio.Queue()

    def copy(self):
        return Clock()

    async def start_up(self):
        self.say(tone(660, 0.2))  # now
        while True:
            await asyncio.sleep(60)
            played = await self.say(self.strike())  # ends when it was played
            print("played" if played else "interrupted")

    async def strike(self):
        for _ in range(3):
            yield tone(440, 0.4)
            yield tone(330, 0.4)

    async def receive(self, frame):
        self.frames.put_nowait(frame)

    async def emit(self):
        return await self.frames.get()


stream = Stream(Clock(), modality="audio", mode="send-receive")
