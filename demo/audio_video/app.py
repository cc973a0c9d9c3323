"""Audio and video: your voice and your picture come back together."""

import asyncio

from fastrtc import AsyncAudioVideoStreamHandler, Stream, wait_for_item


class Mirror(AsyncAudioVideoStreamHandler):
    """Gives back what it hears, and the newest picture that it sees."""

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
            self.seen.get_nowait()  # an old picture is worth nothing
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
    # Page and server run on one machine here, so no STUN server is needed to find the way.
    server_rtc_configuration={"iceServers": []},
)

if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from shared.server import serve

    serve(["audio_video"])
