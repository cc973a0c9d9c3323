"""Talk to Claude, on the demo's own page or on the telephone."""

import json
import os
from functools import cache
from pathlib import Path

import gradio as gr
from anthropic import Anthropic
from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from fastrtc import (
    AdditionalOutputs,
    ReplyOnPause,
    Stream,
    WebRTCError,
    get_stt_model,
    get_tts_model,
)
from fastrtc.text_to_speech import SentenceSplitter

MODEL = os.getenv("MODEL", "claude-haiku-4-5")
STT = os.getenv("STT", "moonshine/base")
TTS = os.getenv("TTS", "kokoro")
WORDS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
SYSTEM = (
    "You talk with somebody who hears you. Answer in one to three short sentences, "
    "as one speaks: no lists, no markup, no emoji."
)

# STT=pocketsphinx, which recognizes only these words, and TTS=espeak need no download.
ears = get_stt_model(STT, **({"words": WORDS} if STT == "pocketsphinx" else {}))
voice = get_tts_model(TTS)


@cache
def client():
    if not os.getenv("ANTHROPIC_API_KEY"):
        raise WebRTCError("There is no key: set ANTHROPIC_API_KEY, and start the demo again.")
    return Anthropic()


def ask(history):
    """Yield Claude's answer in pieces, as it is generated."""
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in history]
    with client().messages.stream(
        model=MODEL, max_tokens=400, system=SYSTEM, messages=turns
    ) as answer:
        yield from answer.text_stream


def sentences(pieces):
    """Yield each sentence as soon as it is complete, so that speech starts early."""
    splitter = SentenceSplitter()
    for piece in pieces:
        yield from splitter.push(piece)
    yield from splitter.flush()


def reply(audio, history=None):
    said = ears.stt(audio)
    if not said:
        return  # no words, such as a cough
    history = [*(history or []), {"role": "user", "content": said}]
    yield AdditionalOutputs(history)
    answer = []
    for sentence in sentences(ask(history)):
        answer.append(sentence)
        yield AdditionalOutputs([*history, {"role": "assistant", "content": " ".join(answer)}])
        yield from voice.stream_tts_sync(sentence)


# The conversation is an input and an output: the page stores it, or the telephone call does.
# The chatbot is for MODE=UI; the demo's own page uses /inputs and /outputs.
chatbot = gr.Chatbot(show_label=False, height="max(13rem, 100vh - 37rem)", buttons=[])
stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    additional_inputs=[chatbot],
    additional_outputs=[chatbot],
    additional_outputs_handler=lambda _before, now: now,
    concurrency_limit=5,
    time_limit=600,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={"title": "Talk to Claude", "subtitle": "Say something, and pause."},
)

HERE = Path(__file__).parent
app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # @fastrtc/client
app.mount("/shared", StaticFiles(directory=HERE.parent / "shared"))


class Turn(BaseModel):
    role: str
    content: str


class Inputs(BaseModel):
    webrtc_id: str
    history: list[Turn]


@app.post("/inputs")
def inputs(given: Inputs):
    """Receive the conversation so far from the page, when a reply requests it."""
    stream.set_input(given.webrtc_id, [turn.model_dump() for turn in given.history])


@app.get("/outputs")
def outputs(webrtc_id: str):
    """Send the conversation each time it has grown (server-sent events)."""

    async def events():
        async for output in stream.output_stream(webrtc_id):
            (history,) = output.args
            yield f"data: {json.dumps(history)}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(HERE / "index.html")


if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if (mode := os.getenv("MODE")) == "UI":
        stream.ui.launch(server_port=port)
    elif mode == "PHONE":
        stream.fastphone(port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
