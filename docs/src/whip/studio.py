import numpy as np
from fastapi import FastAPI

from fastrtc import AsyncAudioVideoStreamHandler, Stream


class Studio(AsyncAudioVideoStreamHandler):
    """Gets the audio and the video of a sender."""

    def __init__(self):
        super().__init__(input_sample_rate=48000)

    def copy(self):
        return Studio()

    async def receive(self, frame):
        rate, samples = frame
        self.loudness = float(np.abs(samples.astype(float)).mean())

    async def video_receive(self, frame):  # BGR, uint8, shape (height, width, 3)
        self.brightness = float(frame.mean())

    async def emit(self):
        return None

    async def video_emit(self):
        return None


stream = Stream(Studio(), modality="audio-video", mode="send", concurrency_limit=10)
app = FastAPI()
stream.mount(app, protocols=["fastrtc", "whip"])
