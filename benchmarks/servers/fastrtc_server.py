"""The handlers under test, served by fastrtc: the same file for this project and the reference.

Only the public API of FastRTC 0.0.34 is used.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from typing import Any

import numpy as np
from fastapi import FastAPI
from serving import Recording, add_debug_routes, calls, serve
from talking import HANDLERS as TALKING
from talking import taken

from fastrtc import AsyncStreamHandler, Stream, StreamHandler, VideoStreamHandler, wait_for_item

RATE = 24_000
#: Never reached here; the reference starts a task for it that outlives its session.
TIME_LIMIT = 3600
BLOCK_FOR = 2.0
SLOW_FRAME = 0.2
#: What an ended session puts into a blocking handler's queue, so that its thread can end.
END = None

AudioChunk = tuple[int, np.ndarray]


def rates() -> dict[str, int]:
    """Constructor arguments of every audio handler here."""
    return {"output_sample_rate": RATE, "input_sample_rate": RATE}


class IdleSync(StreamHandler):
    """Has nothing to say, and says so at once."""

    def __init__(self) -> None:
        super().__init__(**rates())

    def copy(self) -> StreamHandler:
        return type(self)()

    def receive(self, frame: AudioChunk) -> None:
        calls["receive"] += 1

    def emit(self) -> None:
        calls["emit"] += 1


class IdleAsync(AsyncStreamHandler):
    """The same on the event loop."""

    def __init__(self) -> None:
        super().__init__(**rates())

    def copy(self) -> AsyncStreamHandler:
        return type(self)()

    async def receive(self, frame: AudioChunk) -> None:
        calls["receive"] += 1

    async def emit(self) -> None:
        calls["emit"] += 1

    async def start_up(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass


class IdleWaiting(IdleAsync):
    """Waits on a queue that stays empty, the way the user guide shows."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[AudioChunk] = asyncio.Queue()

    async def emit(self) -> Any:
        calls["emit"] += 1
        return await wait_for_item(self.queue)


class Keep(IdleWaiting):
    """Keeps what it hears; made once for each offer."""

    def __init__(self) -> None:
        super().__init__()
        self.recording = Recording()

    async def receive(self, frame: AudioChunk) -> None:
        rate, samples = frame
        self.recording.add(rate, samples.tobytes())


class EchoAsync(IdleWaiting):
    """Sends back what comes in."""

    async def receive(self, frame: AudioChunk) -> None:
        self.queue.put_nowait(frame)


class EchoAttached(EchoAsync):
    """Its `start_up` runs for the whole session, as one that holds a socket open does."""

    async def start_up(self) -> None:
        await asyncio.Event().wait()


class EchoPolling(StreamHandler):
    """Sends back what comes in; returns None at once while there is nothing."""

    def __init__(self) -> None:
        super().__init__(**rates())
        self.queue: queue.Queue[AudioChunk | None] = queue.Queue()

    def copy(self) -> StreamHandler:
        return type(self)()

    def receive(self, frame: AudioChunk) -> None:
        self.queue.put(frame)

    def emit(self) -> AudioChunk | None:
        calls["emit"] += 1
        try:
            return self.queue.get_nowait()
        except queue.Empty:
            return None


class EchoBlocking(EchoPolling):
    """Sends back what comes in; waits in `emit` while there is nothing."""

    def emit(self) -> AudioChunk | None:
        calls["emit"] += 1
        return self.queue.get()

    def shutdown(self) -> None:
        self.queue.put(END)


class BlockingReply(StreamHandler):
    """Thinks for 2 s about the first sound it hears, then answers with a tone."""

    def __init__(self) -> None:
        super().__init__(**rates())
        self.heard = threading.Event()
        self.thought = False
        turns = np.arange(RATE // 50) * (440 / RATE)
        self.tone = (8000 * np.sin(2 * np.pi * turns)).astype(np.int16).reshape(1, -1)

    def copy(self) -> StreamHandler:
        return type(self)()

    def receive(self, frame: AudioChunk) -> None:
        self.heard.set()

    def emit(self) -> AudioChunk | None:
        calls["emit"] += 1
        if not self.heard.is_set():
            return None
        if not self.thought:
            time.sleep(BLOCK_FOR)
            self.thought = True
        return RATE, self.tone


def flip(frame: np.ndarray) -> np.ndarray:
    """Turns the picture upside down."""
    calls["frames"] += 1
    return np.flip(frame, axis=0)


def slow_flip(frame: np.ndarray) -> np.ndarray:
    """Takes five times longer than a 25 fps stream allows, without holding the GIL."""
    calls["frames"] += 1
    time.sleep(SLOW_FRAME)
    return np.flip(frame, axis=0)


HANDLERS = {
    "idle-sync": IdleSync,
    "idle-async": IdleAsync,
    "idle-waiting": IdleWaiting,
    "keep": Keep,
    "echo-async": EchoAsync,
    "echo-attached": EchoAttached,
    "echo-polling": EchoPolling,
    "echo-blocking": EchoBlocking,
    "blocking-reply": BlockingReply,
    "flip": lambda: flip,
    "slow-flip": lambda: VideoStreamHandler(slow_flip),
    "slow-flip-skipping": lambda: VideoStreamHandler(slow_flip, skip_frames=True),
    **TALKING,
}
VIDEO = {"flip", "slow-flip", "slow-flip-skipping"}


def make_app(name: str) -> FastAPI:
    """The application that serves one handler."""
    stream = Stream(
        HANDLERS[name](),
        modality="video" if name in VIDEO else "audio",
        mode="send-receive",
        concurrency_limit=1_000_000,
        time_limit=TIME_LIMIT,
        server_rtc_configuration={"iceServers": []},
        verbose=False,
    )
    app = FastAPI()
    stream.mount(app)

    def entries() -> int:
        return sum(
            len(getattr(stream, name))
            for name in (
                "pcs",
                "handlers",
                "connections",
                "data_channels",
                "additional_outputs",
                "connection_timeouts",
            )
        )

    add_debug_routes(app, entries)

    @app.post("/debug/input/{webrtc_id}")
    async def set_input(webrtc_id: str) -> None:
        # The reference calls a video function only once it has got an input.
        stream.set_input(webrtc_id, None)

    @app.get("/debug/utterances")
    def utterances() -> list[dict[str, Any]]:
        return taken()

    return app


if __name__ == "__main__":
    serve(make_app, list(HANDLERS))
