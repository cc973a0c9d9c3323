"""Audio and video: send your audio and video back together."""

import asyncio
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import AsyncAudioVideoStreamHandler, Stream, wait_for_item


class Mirror(AsyncAudioVideoStreamHandler):
    """Send back the audio and the newest video frame."""

    def __init__(self):
        super().__init__(input_sample_rate=48000, output_sample_rate=48000)
        self.heard = asyncio.Queue()
        self.seen = asyncio.Queue(maxsize=1)

    async def receive(self, frame):
        self.heard.put_nowait(frame)

    async def emit(self):
        return await wait_for_item(self.heard)

    async def video_receive(self, frame):
        if self.seen.full():
            self.seen.get_nowait()  # keep only the newest frame
        self.seen.put_nowait(frame)

    async def video_emit(self):
        return await self.seen.get()

    def copy(self):
        return Mirror()


stream = Stream(
    Mirror(),
    modality="audio-video",
    mode="send-receive",
    concurrency_limit=100,
    # The page and the server run on the same machine, so no STUN server is needed.
    server_rtc_configuration={"iceServers": []},
)

HERE = Path(__file__).parent
app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # @fastrtc/client
app.mount("/shared", StaticFiles(directory=HERE.parent / "shared"))


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(HERE / "index.html")


if __name__ == "__main__":
    import os

    port = int(os.getenv("PORT", "7860"))
    if os.getenv("MODE") == "UI":
        stream.ui.launch(server_port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
