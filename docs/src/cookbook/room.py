import asyncio

import numpy as np
from fastapi import FastAPI

from fastrtc import AsyncStreamHandler, Stream


class Person(AsyncStreamHandler):
    """Play all other users in the room to the user."""

    def __init__(self, room: set["Person"]):
        super().__init__(input_sample_rate=48_000, output_sample_rate=48_000)
        self.room = room
        self.others: dict[Person, asyncio.Queue[np.ndarray]] = {}
        self.mixed: asyncio.Queue[np.ndarray] = asyncio.Queue()

    def copy(self):
        return Person(self.room)

    async def start_up(self):
        self.room.add(self)

    async def receive(self, frame):  # called every 20 ms, so this is also the clock
        for person in self.room - {self}:
            queue = person.others.setdefault(self, asyncio.Queue())
            if queue.qsize() == 10:
                queue.get_nowait()  # drop audio that is 200 ms late
            queue.put_nowait(frame[1].reshape(1, -1))
        said = [q.get_nowait() for q in self.others.values() if not q.empty()]
        if said:
            mixed = np.zeros((1, max(samples.size for samples in said)), np.int32)
            for samples in said:
                mixed[:, : samples.size] += samples
            self.mixed.put_nowait(np.clip(mixed, -32768, 32767).astype(np.int16))

    async def emit(self):
        return 48_000, await self.mixed.get()

    async def shutdown(self):
        self.room.discard(self)
        for person in self.room:
            person.others.pop(self, None)


app = FastAPI()
rooms = {}
for name in ("red", "blue"):
    rooms[name] = Stream(Person(set()), modality="audio", concurrency_limit=10)
    rooms[name].mount(app, path=f"/{name}")
