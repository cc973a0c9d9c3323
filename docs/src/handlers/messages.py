import asyncio

import numpy as np

from fastrtc import AsyncStreamHandler, Stream, get_current_context
from fastrtc.utils import create_message


class Meter(AsyncStreamHandler):
    """Send the client its loudness ten times per second, and no audio."""

    def __init__(self):
        super().__init__(input_sample_rate=16000)
        self.loudest = 0.0

    def copy(self):
        return Meter()

    async def start_up(self):
        webrtc_id = get_current_context().webrtc_id
        await self.send_message(create_message("hello", {"you": webrtc_id}))
        while True:
            await asyncio.sleep(0.1)
            await self.send_message(create_message("level", self.loudest))
            self.loudest = 0.0

    async def receive(self, frame):
        _, samples = frame
        level = float(np.abs(samples.astype("int32")).max()) / 32768
        self.loudest = max(self.loudest, level)

    async def emit(self):
        return None


stream = Stream(Meter(), modality="audio", mode="send")
