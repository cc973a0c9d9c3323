import asyncio

from fastapi import FastAPI
from pydantic import BaseModel

from fastrtc import AsyncStreamHandler, Stream


class Amplifier(AsyncStreamHandler):
    def __init__(self):
        super().__init__(input_sample_rate=24000)
        self.volume = 1.0
        self.chunks = asyncio.Queue()

    def copy(self):
        return Amplifier()

    async def start_up(self):
        await self.wait_for_args()  # sends `send_input`, waits for `set_input`
        volume = self.latest_args[1]  # [0] is a placeholder for the audio
        if isinstance(volume, int | float):  # the client sends it, so check it
            self.volume = volume

    async def receive(self, frame):
        rate, samples = frame
        self.chunks.put_nowait((rate, (samples * self.volume).astype("int16")))

    async def emit(self):
        return await self.chunks.get()


class Volume(BaseModel):
    webrtc_id: str
    volume: float


stream = Stream(Amplifier(), modality="audio", mode="send-receive")
app = FastAPI()
stream.mount(app)


@app.post("/volume")
async def set_volume(body: Volume):
    stream.set_input(body.webrtc_id, body.volume)
