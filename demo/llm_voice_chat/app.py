"""Talk to a language model, with any service that has OpenAI's chat completions API."""

import os
from functools import cache

import gradio as gr
from fastapi import FastAPI
from openai import OpenAI

from fastrtc import (
    AdditionalOutputs,
    ReplyOnPause,
    Stream,
    WebRTCError,
    get_stt_model,
    get_tts_model,
)
from fastrtc.text_to_speech import SentenceSplitter

MODEL = os.getenv("MODEL", "gpt-4o-mini")
STT = os.getenv("STT", "moonshine/base")
TTS = os.getenv("TTS", "kokoro")
WORDS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
SYSTEM = {
    "role": "system",
    "content": "You talk with somebody who hears you. Answer in one to three short sentences, "
    "as one speaks: no lists, no markup, no emoji.",
}

# STT=pocketsphinx, which recognizes only these words, and TTS=espeak need no download.
ears = get_stt_model(STT, **({"words": WORDS} if STT == "pocketsphinx" else {}))
voice = get_tts_model(TTS)


@cache
def client():
    if not os.getenv("OPENAI_API_KEY"):
        raise WebRTCError(
            "There is no key: set OPENAI_API_KEY, and OPENAI_BASE_URL for another service."
        )
    return OpenAI()


def ask(history):
    """Yield the model's answer in pieces, as it is generated."""
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in history]
    with client().chat.completions.create(
        model=MODEL, messages=[SYSTEM, *turns], stream=True
    ) as chunks:
        for chunk in chunks:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text


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
    ui_args={"title": "LLM voice chat", "subtitle": f"Say something to {MODEL}, and pause."},
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
