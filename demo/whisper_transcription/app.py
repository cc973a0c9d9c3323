"""Live transcription with any service that has OpenAI's transcriptions API."""

import json
import os
from functools import cache
from pathlib import Path

import gradio as gr
import numpy as np
from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from openai import OpenAI

from fastrtc import (
    AdditionalOutputs,
    AlgoOptions,
    ReplyOnPause,
    Stream,
    WebRTCError,
    audio_to_bytes,
)

MODEL = os.getenv("MODEL", "whisper-1")
RATE = 16_000  # Hz; Whisper does not use higher frequencies


@cache
def client():
    if not os.getenv("OPENAI_API_KEY"):
        raise WebRTCError(
            "There is no key: set OPENAI_API_KEY, and OPENAI_BASE_URL for another service."
        )
    return OpenAI()


class Scribe(ReplyOnPause):
    """Transcribe each utterance, and keep the audio of users who continue to speak."""

    def __init__(self):
        # without pauses, show text every 20 s
        options = AlgoOptions(max_continuous_speech_s=20)
        super().__init__(self.write, algo_options=options, input_sample_rate=RATE)
        self.unwritten = []

    def copy(self):
        return Scribe()  # one per connection

    def write(self, audio):
        _, samples = audio  # int16, shape (1, n)
        self.unwritten.append(samples)
        asked = len(self.unwritten)
        speech = audio_to_bytes((RATE, np.hstack(self.unwritten)))
        written = client().audio.transcriptions.create(model=MODEL, file=("speech.mp3", speech))
        # If the user continues to speak, this is interrupted here, and its audio is sent again
        # together with what follows.
        yield AdditionalOutputs(written.text.strip())
        del self.unwritten[:asked]


stream = Stream(
    Scribe(),
    modality="audio",
    mode="send",
    # for MODE=UI; the demo's own page uses /transcript
    additional_outputs=[gr.Textbox(label="Transcript", lines=10)],
    additional_outputs_handler=lambda before, text: f"{before}\n{text}".strip(),
    concurrency_limit=10,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={"title": "Transcription", "subtitle": "Speak; what you say is written down."},
)

HERE = Path(__file__).parent
app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # @fastrtc/client
app.mount("/shared", StaticFiles(directory=HERE.parent / "shared"))


@app.get("/transcript")
def transcript(webrtc_id: str):
    """Send the texts of a connection as they arrive (server-sent events)."""

    async def events():
        async for output in stream.output_stream(webrtc_id):
            (text,) = output.args
            yield f"data: {json.dumps(text)}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(HERE / "index.html")


if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if os.getenv("MODE") == "UI":
        stream.ui.launch(server_port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
