import asyncio

import numpy as np

from fastrtc import AsyncAudioVideoStreamHandler, Stream


class Mirror(AsyncAudioVideoStreamHandler):
    def __init__(self):
        super().__init__(input_sample_rate=24000, output_sample_rate=24000, fps=30)
        self.sounds = asyncio.Queue()
        self.pictures = asyncio.Queue(maxsize=1)

    def copy(self):
        return Mirror()

    async def receive(self, frame):
        self.sounds.put_nowait(frame)

    async def emit(self):
        return await self.sounds.get()

    async def video_receive(self, frame):  # BGR, uint8, (height, width, 3)
        if self.pictures.full():
            self.pictures.get_nowait()  # keep only the newest picture
        self.pictures.put_nowait(np.flip(frame, axis=1))

    async def video_emit(self):
        return await self.pictures.get()


stream = Stream(Mirror(), modality="audio-video", mode="send-receive")
