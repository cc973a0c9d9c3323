"""Describe a web page: a language model writes it, and it is shown beside its code."""

import json
import os
import re
from functools import cache
from html import escape
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from openai import OpenAI
from pydantic import BaseModel

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, WebRTCError, get_stt_model

MODEL = os.getenv("MODEL", "gpt-4o-mini")
STT = os.getenv("STT", "moonshine/base")
WORDS = ("make", "it", "red", "green", "blue", "clock", "calendar", "monday", "tuesday")
SYSTEM = (
    "You write web pages: one HTML file with its styles and scripts inside, and nothing that is "
    "loaded from elsewhere. You get the file as it is, and a wish that was spoken; what sounds "
    "odd may be misheard. Answer with the whole new file, and nothing else."
)

# STT=pocketsphinx needs no download, and recognizes only these words.
ears = get_stt_model(STT, **({"words": WORDS} if STT == "pocketsphinx" else {}))


@cache
def client():
    if not os.getenv("OPENAI_API_KEY"):
        raise WebRTCError(
            "There is no key: set OPENAI_API_KEY, and OPENAI_BASE_URL for another service."
        )
    return OpenAI()


def ask(wish, code):
    """Yield the new file in pieces, as the model generates it."""
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"The file:\n{code or '(empty)'}\n\nThe wish:\n{wish}"},
    ]
    with client().chat.completions.create(model=MODEL, messages=messages, stream=True) as chunks:
        for chunk in chunks:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text


def without_fence(text):
    """Remove the ```html and ``` that models like to put around the code."""
    fenced = re.search(r"```\w*\n(.*?)(?:\n```|$)", text, re.DOTALL)
    return fenced[1] if fenced else text


def edit(audio, code=""):
    wish = ears.stt(audio)
    if not wish:
        return  # no words, such as a cough
    yield AdditionalOutputs({"wish": wish, "code": code, "done": False})
    text = ""
    for piece in ask(wish, code):
        text += piece
        if "\n" in piece:  # one update per line is enough
            yield AdditionalOutputs({"wish": wish, "code": without_fence(text), "done": False})
    yield AdditionalOutputs({"wish": wish, "code": without_fence(text), "done": True})


def show(page, _code, now):
    """For MODE=UI: return the finished page, and the code."""
    if now["done"]:
        look = "width: 100%; height: 18rem; border: 0"
        code = escape(now["code"])
        page = f'<iframe sandbox="allow-scripts" style="{look}" srcdoc="{code}"></iframe>'
    return page, now["code"]


code = gr.Code(label="Code", language="html", lines=12, max_lines=12, interactive=False)
result = gr.HTML(label="Page")
stream = Stream(
    ReplyOnPause(edit, input_sample_rate=16_000),
    modality="audio",
    mode="send",
    additional_inputs=[code],
    additional_outputs=[result, code],
    additional_outputs_handler=show,
    concurrency_limit=5,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={"title": "Code editor", "subtitle": "Say what the page should look like."},
)

HERE = Path(__file__).parent
app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # @fastrtc/client
app.mount("/shared", StaticFiles(directory=HERE.parent / "shared"))


class Inputs(BaseModel):
    webrtc_id: str
    code: str


@app.post("/inputs")
def inputs(given: Inputs):
    """Receive the current code from the page when the user has spoken."""
    stream.set_input(given.webrtc_id, given.code)


@app.get("/outputs")
def outputs(webrtc_id: str):
    """Send the code each time it has grown (server-sent events)."""

    async def events():
        async for output in stream.output_stream(webrtc_id):
            yield f"data: {json.dumps(output.args[0])}\n\n"

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
