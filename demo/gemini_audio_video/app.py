"""Gemini talks about what your camera shows, and about an image that you add."""

import asyncio
import io
import os
import time

import gradio as gr
import numpy as np
from fastapi import FastAPI
from google import genai
from google.genai import types
from PIL import Image
from websockets.exceptions import WebSocketException

from fastrtc import AsyncAudioVideoStreamHandler, Stream, WebRTCError

MODEL = os.getenv("MODEL", "gemini-2.5-flash-native-audio-preview-12-2025")
CONFIGURATION = types.LiveConnectConfig(
    response_modalities=["AUDIO"],
    system_instruction="You see the user's camera. Answer briefly.",
)
EVERY = 1.0  # s between frames; the API samples no faster
LARGEST = (768, 768)  # pixels; the API scales larger images down


def blob(picture):
    """Convert an RGB image to the API's format."""
    image, jpeg = Image.fromarray(picture), io.BytesIO()
    image.thumbnail(LARGEST)
    image.save(jpeg, "JPEG")
    return types.Blob(data=jpeg.getvalue(), mime_type="image/jpeg")


class Gemini(AsyncAudioVideoStreamHandler):
    """Connect a client to a session of the API for the duration of the connection."""

    def __init__(self):
        super().__init__(input_sample_rate=16_000, output_sample_rate=24_000)
        self.session = None
        self.output = asyncio.Queue()
        self.frames = asyncio.Queue(maxsize=1)
        self.looked_at = 0.0
        self.picture = None  # the image of the user that was sent last

    def copy(self):
        return Gemini()

    async def start_up(self):
        if not (os.getenv("GEMINI_API_KEY") or os.getenv("GOOGLE_API_KEY")):
            raise WebRTCError("Set GEMINI_API_KEY, and start the demo again.")
        try:
            # reads GOOGLE_GEMINI_BASE_URL
            async with (
                genai.Client().aio as client,
                client.live.connect(model=MODEL, config=CONFIGURATION) as self.session,
            ):
                while True:
                    async for message in self.session.receive():  # ends when the turn is complete
                        self.take(message)
        except (genai.errors.APIError, WebSocketException, OSError) as error:
            raise WebRTCError(f"No connection with Gemini: {error}") from error
        finally:
            self.session = None

    def take(self, message):
        if message.server_content and message.server_content.interrupted:
            while not self.output.empty():
                self.output.get_nowait()
            self.clear_queue()
        if message.data:
            samples = np.frombuffer(message.data, "<i2").reshape(1, -1)
            self.output.put_nowait((self.output_sample_rate, samples))

    async def receive(self, frame):
        if self.session is not None:
            rate, samples = frame
            audio = types.Blob(data=samples.tobytes(), mime_type=f"audio/pcm;rate={rate}")
            await self.session.send_realtime_input(audio=audio)

    async def emit(self):
        return await self.output.get()

    async def video_receive(self, frame):
        if self.frames.full():
            self.frames.get_nowait()  # keep only the newest frame
        self.frames.put_nowait(frame)
        if self.session is not None and time.monotonic() - self.looked_at >= EVERY:
            self.looked_at = time.monotonic()
            await self.show(frame[..., ::-1])  # BGR
            given = self.latest_args[-1] if self.latest_args else None
            if isinstance(given, np.ndarray) and given is not self.picture:
                self.picture = given
                await self.show(given)

    async def show(self, picture):
        video = await asyncio.to_thread(blob, picture)
        if self.session is not None:
            await self.session.send_realtime_input(video=video)

    async def video_emit(self):
        return await self.frames.get()


stream = Stream(
    Gemini(),
    modality="audio-video",
    mode="send-receive",
    concurrency_limit=5,
    time_limit=120,  # s; the API's limit for sessions with video
    additional_inputs=[gr.Image(label="Show it a picture, too", type="numpy", sources=["upload"])],
    ui_args={"title": "Gemini sees you", "subtitle": "Ask it what it sees."},
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
)

app = FastAPI()
stream.mount(app)
app = gr.mount_gradio_app(app, stream.ui, path="/")

if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if os.getenv("MODE") == "UI":
        stream.ui.launch(server_port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
