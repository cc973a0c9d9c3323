import asyncio

import numpy as np
from fastapi import FastAPI

from fastrtc import AdditionalOutputs, AsyncStreamHandler, Stream, wait_for_item


class Gain(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(
            expected_layout="mono",
            output_sample_rate=24000,
            output_frame_size=480,
            input_sample_rate=24000,
        )
        self.queue = asyncio.Queue()
        self.gain = 1.0

    def copy(self):
        return Gain()

    async def start_up(self):
        await self.wait_for_args()
        gain = self.latest_args[1]
        if isinstance(gain, int | float):  # the client sends it, so check it
            self.gain = gain
        self.queue.put_nowait(AdditionalOutputs(f"gain {self.gain}"))

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        rate, samples = frame
        await self.queue.put((rate, (samples * self.gain).astype(np.int16)))

    async def emit(self):
        return await wait_for_item(self.queue)

    async def shutdown(self):
        while not self.queue.empty():
            self.queue.get_nowait()


stream = Stream(handler=Gain(), modality="audio", mode="send-receive")
app = FastAPI()
stream.mount(app)


@app.post("/input_hook")
async def input_hook(webrtc_id: str, gain: float):
    stream.set_input(webrtc_id, gain)
