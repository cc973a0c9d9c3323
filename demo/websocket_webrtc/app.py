"""WebSocket and WebRTC: compare the latency of both transports with the same handler."""

import asyncio
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import AsyncStreamHandler, Stream, wait_for_item


class Echo(AsyncStreamHandler):
    """Queue the user's audio and play it back."""

    def __init__(self):
        super().__init__(input_sample_rate=48000, output_sample_rate=48000)
        self.heard = asyncio.Queue()

    async def receive(self, frame):
        self.heard.put_nowait(frame)  # (48000, samples): int16, shape (1, n)

    async def emit(self):
        return await wait_for_item(self.heard)

    def copy(self):
        return Echo()  # one per connection


stream = Stream(
    Echo(),
    modality="audio",
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
    if (mode := os.getenv("MODE")) == "UI":
        stream.ui.launch(server_port=port)
    elif mode == "PHONE":
        stream.fastphone(port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
