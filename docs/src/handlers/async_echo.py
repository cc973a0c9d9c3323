import asyncio

from fastrtc import AsyncStreamHandler, Stream


class Echo(AsyncStreamHandler):
    def __init__(self):
        super().__init__(input_sample_rate=24000, output_sample_rate=24000)
        self.chunks = asyncio.Queue()

    def copy(self):
        return Echo()

    async def receive(self, frame):
        self.chunks.put_nowait(frame)

    async def emit(self):
        return await self.chunks.get()


stream = Stream(Echo(), modality="audio", mode="send-receive")
