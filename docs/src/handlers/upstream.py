import asyncio
import os

import numpy as np
from websockets.asyncio.client import connect

from fastrtc import AsyncStreamHandler, Stream, wait_for_item

SERVICE = os.getenv("SERVICE_URL", "ws://127.0.0.1:9000")  # 16-bit PCM in both directions


class Upstream(AsyncStreamHandler):
    def __init__(self):
        super().__init__(input_sample_rate=16000, output_sample_rate=16000)
        self.socket = None
        self.answers = asyncio.Queue()

    def copy(self):
        return Upstream()

    async def start_up(self):  # runs until the connection ends
        async with connect(SERVICE) as self.socket:
            async for message in self.socket:
                if isinstance(message, bytes):
                    samples = np.frombuffer(message, np.int16).reshape(1, -1)
                    self.answers.put_nowait((16000, samples))

    async def receive(self, frame):
        if self.socket is not None:
            _, samples = frame
            await self.socket.send(samples.tobytes())

    async def emit(self):
        return await wait_for_item(self.answers)


stream = Stream(Upstream(), modality="audio", mode="send-receive")
