"""Restream: OBS or ffmpeg sends over WHIP, Python mirrors the picture, and anyone may watch."""

import asyncio
import os
import time
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import AsyncAudioVideoStreamHandler, Stream

RATE = 48000
FPS = 25
FRESH = 2.0  # seconds for which the last picture is shown
NOTHING = np.full((360, 640, 3), 40, np.uint8)  # dark gray


class Programme:
    """What the sender sends now, for all who watch."""

    def __init__(self):
        self.picture, self.at = NOTHING, 0.0
        self.listeners = set()

    def show(self, picture):
        self.picture, self.at = picture, time.monotonic()

    def play(self, audio):
        for queue in self.listeners:
            if queue.full():  # a viewer who is too slow misses the oldest
                queue.get_nowait()
            queue.put_nowait(audio)

    def now(self):
        return self.picture if time.monotonic() - self.at < FRESH else NOTHING


programme = Programme()


class Sender(AsyncAudioVideoStreamHandler):
    """Takes the audio and the video of the sender; whatever it emitted would be dropped."""

    def __init__(self):
        super().__init__(input_sample_rate=RATE)

    def copy(self):
        return Sender()

    async def receive(self, frame):  # (RATE, int16 samples of shape (1, n))
        programme.play(frame)

    async def video_receive(self, frame):  # BGR, uint8, shape (height, width, 3)
        programme.show(np.ascontiguousarray(frame[:, ::-1]))

    async def emit(self):
        return None

    async def video_emit(self):
        return None


class Viewer(AsyncAudioVideoStreamHandler):
    """Gives one viewer the programme."""

    def __init__(self):
        super().__init__(output_sample_rate=RATE, fps=FPS)
        self.audio = asyncio.Queue(25)  # half a second

    def copy(self):
        return Viewer()

    async def start_up(self):
        programme.listeners.add(self.audio)

    async def receive(self, frame):
        pass

    async def video_receive(self, frame):
        pass

    async def emit(self):
        return await self.audio.get()

    async def video_emit(self):
        return programme.now()

    async def shutdown(self):
        programme.listeners.discard(self.audio)


# The sender, the viewers and the server run on the same machine, so no STUN server is needed.
LOCAL = {"iceServers": []}
sender = Stream(
    Sender(),
    modality="audio-video",
    mode="send",
    concurrency_limit=1,
    server_rtc_configuration=LOCAL,
)
if os.getenv("TOKEN_SECRET"):
    tokens = sender.tokens(os.environ["TOKEN_SECRET"])
    print("Bearer token for OBS:", tokens.issue(user="studio", ttl=3600))
viewers = Stream(
    Viewer(),
    modality="audio-video",
    mode="receive",
    concurrency_limit=50,
    server_rtc_configuration=LOCAL,
)

HERE = Path(__file__).parent
app = FastAPI()
viewers.mount(app, protocols=["fastrtc", "whip"])  # {path}/whep for players
sender.mount(app, "/studio", protocols=["whip"])  # {path}/whip for OBS
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # @fastrtc/client
app.mount("/shared", StaticFiles(directory=HERE.parent / "shared"))


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(HERE / "index.html")


if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if os.getenv("MODE") == "UI":
        viewers.ui.launch(server_port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
