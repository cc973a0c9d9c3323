"""Google's Gemini Live API: talk to a voice of your choice, in the browser or on the phone."""

import asyncio
import os

import gradio as gr
import numpy as np
from fastapi import FastAPI
from google import genai
from google.genai import types
from websockets.exceptions import WebSocketException

from fastrtc import AsyncStreamHandler, Stream, WebRTCError

VOICES = ("Puck", "Charon", "Kore", "Fenrir", "Aoede", "Leda", "Orus", "Zephyr")
INSTRUCTIONS = os.getenv("INSTRUCTIONS", "You are a friendly assistant. Answer briefly.")


class Gemini(AsyncStreamHandler):
    """Connect a client to a session of the API for the duration of the connection."""

    def __init__(self):
        super().__init__(input_sample_rate=16_000, output_sample_rate=24_000)
        self.session = None
        self.output = asyncio.Queue()

    def copy(self):
        return Gemini()

    async def start_up(self):
        if not (os.getenv("GEMINI_API_KEY") or os.getenv("GOOGLE_API_KEY")):
            raise WebRTCError("Set GEMINI_API_KEY, and start the demo again.")
        voice = VOICES[0]
        if not self.phone_mode:  # a telephone call has no inputs
            await self.wait_for_args()
            voice = self.latest_args[-1]
        model = os.getenv("MODEL", "gemini-2.5-flash-native-audio-preview-12-2025")
        try:
            # reads GOOGLE_GEMINI_BASE_URL
            async with (
                genai.Client().aio as client,
                client.live.connect(model=model, config=configuration(voice)) as self.session,
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


def configuration(voice):
    return types.LiveConnectConfig(
        response_modalities=["AUDIO"],
        system_instruction=INSTRUCTIONS,
        speech_config=types.SpeechConfig(
            voice_config=types.VoiceConfig(
                prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=voice)
            )
        ),
    )


stream = Stream(
    Gemini(),
    modality="audio",
    mode="send-receive",
    concurrency_limit=5,
    time_limit=600,  # s; sessions are billed by the minute
    additional_inputs=[gr.Dropdown(VOICES, value=VOICES[0], label="Voice of the next call")],
    ui_args={"title": "Gemini", "subtitle": "Choose a voice, press the button, and talk."},
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
)

app = FastAPI()
stream.mount(app)
app = gr.mount_gradio_app(app, stream.ui, path="/")

if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if (mode := os.getenv("MODE")) == "UI":
        stream.ui.launch(server_port=port)
    elif mode == "PHONE":
        stream.fastphone(port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
