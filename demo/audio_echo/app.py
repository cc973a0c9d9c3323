"""Audio echo: what you say comes back."""

import asyncio

from fastrtc import AsyncStreamHandler, Stream, wait_for_item


class Echo(AsyncStreamHandler):
    """Keeps what it hears in a queue and says it again."""

    def __init__(self):
        super().__init__(input_sample_rate=48000, output_sample_rate=48000)
        self.heard = asyncio.Queue()

    async def receive(self, frame):
        self.heard.put_nowait(frame)  # (48000, samples): int16, shape (1, n)

    async def emit(self):
        return await wait_for_item(self.heard)

    def copy(self):
        return Echo()  # each connection has its own


stream = Stream(
    Echo(),
    modality="audio",
    mode="send-receive",
    concurrency_limit=100,
    # Page and server run on one machine here, so no STUN server is needed to find the way.
    server_rtc_configuration={"iceServers": []},
)

if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from shared.server import serve

    serve(["audio_echo"])
