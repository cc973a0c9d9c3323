"""OpenAI's Realtime API: speech to speech, with a transcript."""

import asyncio
import base64
import json
import os
import time
from pathlib import Path

import gradio as gr
import numpy as np
from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from openai import AsyncOpenAI, OpenAIError
from websockets.exceptions import WebSocketException

from fastrtc import (
    AdditionalOutputs,
    AsyncStreamHandler,
    Stream,
    Warning,
    WebRTCError,
)
from fastrtc.utils import create_message

RATE = 24_000  # Hz, the API's only rate for PCM
SESSION = {
    "type": "realtime",
    "instructions": os.getenv("INSTRUCTIONS", "You are a friendly assistant. Answer briefly."),
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": RATE},
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {"type": "server_vad"},
        },
        "output": {
            "format": {"type": "audio/pcm", "rate": RATE},
            "voice": os.getenv("VOICE", "marin"),
        },
    },
}


class Realtime(AsyncStreamHandler):
    """Connect a client to a session of the API for the duration of the connection."""

    def __init__(self):
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self.connection = None
        self.output = asyncio.Queue()
        self.chat = {}  # messages by item, in the order of the conversation
        self.item = None  # the item that is being played,
        self.since = 0.0  # the time when it started (s),
        self.length = 0.0  # and its duration so far (s)

    def copy(self):
        return Realtime()

    async def start_up(self):
        if not os.getenv("OPENAI_API_KEY"):
            raise WebRTCError("Set OPENAI_API_KEY, and start the demo again.")
        model = os.getenv("MODEL", "gpt-realtime")
        try:
            async with AsyncOpenAI() as client, client.realtime.connect(model=model) as connection:
                await connection.session.update(session=SESSION)
                self.connection = connection
                async for event in connection:
                    await self.take(event)
        except (OpenAIError, WebSocketException, OSError) as error:
            raise WebRTCError(f"No connection with OpenAI: {error}") from error
        finally:
            self.connection = None
        raise WebRTCError("OpenAI has ended the session.")

    async def take(self, event):
        match event.type:
            case "input_audio_buffer.speech_started":
                await self.log("started_talking")
                await self.interrupt()
            case "input_audio_buffer.speech_stopped":
                await self.log("pause_detected")
            case "response.output_item.added":
                await self.log("response_starting")
                self.item, self.since, self.length = event.item.id, 0.0, 0.0
            case "response.output_audio.delta" if event.item_id == self.item:
                samples = np.frombuffer(base64.b64decode(event.delta), "<i2")
                self.since = self.since or time.monotonic()
                self.length += samples.size / RATE
                self.output.put_nowait((RATE, samples.reshape(1, -1)))
            case "conversation.item.added" if event.item.type == "message":
                self.chat[event.item.id] = {"role": event.item.role, "content": ""}
            case "conversation.item.input_audio_transcription.completed":
                self.write(event.item_id, event.transcript)
            case "response.output_audio_transcript.done":
                self.write(event.item_id, event.transcript)
            case "error":
                Warning(f"OpenAI: {event.error.message}")  # for event types with a single use

    def write(self, item, text):
        self.chat[item]["content"] = text.strip()
        messages = [message for message in self.chat.values() if message["content"]]
        self.output.put_nowait(AdditionalOutputs(messages))

    async def interrupt(self):
        """Stop the reply, and report to the model how much of it was played."""
        self.clear_queue()
        waiting = [self.output.get_nowait() for _ in range(self.output.qsize())]
        for one in waiting:
            if isinstance(one, AdditionalOutputs):
                self.output.put_nowait(one)
        heard = time.monotonic() - self.since
        if self.item and heard < self.length:
            await self.connection.conversation.item.truncate(
                item_id=self.item, content_index=0, audio_end_ms=int(heard * 1000)
            )
            await self.log("interrupted")
        self.item = None  # the rest of it is not played

    async def log(self, what):
        """Send the state of the conversation to the page, as `ReplyOnPause` does."""
        await self.send_message(create_message("log", what))

    async def receive(self, frame):
        if self.connection is not None:
            audio = base64.b64encode(frame[1].tobytes()).decode()
            await self.connection.input_audio_buffer.append(audio=audio)

    async def emit(self):
        return await self.output.get()


stream = Stream(
    Realtime(),
    modality="audio",
    mode="send-receive",
    concurrency_limit=5,
    time_limit=900,  # s; sessions are billed by the minute
    additional_outputs=[gr.Chatbot(label="What was said", height="max(13rem, 100vh - 37rem)")],
    additional_outputs_handler=lambda before, now: now,
    ui_args={"title": "OpenAI Realtime"},
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
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


@app.get("/chat")
def chat(webrtc_id: str):
    """Send the chat each time it has changed, as server-sent events."""

    async def events():
        async for outputs in stream.output_stream(webrtc_id):
            yield f"data: {json.dumps(outputs.args[0])}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if (mode := os.getenv("MODE")) == "UI":
        stream.ui.launch(server_port=port)
    elif mode == "PHONE":
        stream.fastphone(port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
