"""A voice assistant whose tools are functions of the page: a language model uses the calendar."""

import json
import os
import secrets
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from openai import OpenAI

from fastrtc import (
    ClientCallError,
    ReplyOnPause,
    Stream,
    WebRTCError,
    get_current_context,
    get_stt_model,
    get_tts_model,
)

MODEL = os.getenv("MODEL", "gpt-4o-mini")
STT = os.getenv("STT", "moonshine/base")
TTS = os.getenv("TTS", "kokoro")
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MAX_ROUNDS = 5  # of calls before an answer, because a model may never stop

# STT=pocketsphinx, which recognizes only these words, and TTS=espeak need no download.
ears = get_stt_model(STT, **({"words": DAYS} if STT == "pocketsphinx" else {}))
voice = get_tts_model(TTS)

# The functions that the page answers: `connection.handle("show_day", ...)` in index.html.
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "show_day",
            "description": "Show a day of the calendar to the user, and return its appointments.",
            "parameters": {
                "type": "object",
                "properties": {"day": {"type": "string", "enum": DAYS}},
                "required": ["day"],
                "additionalProperties": False,
            },
            "strict": True,
        },
    }
]


@cache
def client():
    if not os.getenv("OPENAI_API_KEY"):
        raise WebRTCError(
            "There is no key: set OPENAI_API_KEY, and OPENAI_BASE_URL for another service."
        )
    return OpenAI()


def ask(history):
    """Return the model's answer or tool calls as a message for the history."""
    context = get_current_context()
    system = (
        f"You are the assistant of {context.user}, whose calendar is in their page, in the time "
        f"zone {context.metadata.get('zone')}. You are heard: answer in one short sentence."
    )
    answer = client().chat.completions.create(
        model=MODEL, messages=[{"role": "system", "content": system}, *history], tools=TOOLS
    )
    message = answer.choices[0].message
    said = {"role": "assistant", "content": message.content or ""}
    if message.tool_calls:
        said["tool_calls"] = [call.model_dump(exclude_none=True) for call in message.tool_calls]
    return said


def run(call):
    """Call the function of the page, and return its result as a message for the history."""
    function = call["function"]
    try:
        arguments = json.loads(function["arguments"])
        result = get_current_context().call_sync(function["name"], arguments, timeout_s=5)
    except (ClientCallError, ValueError) as error:
        result = {"error": str(error)}
    return {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)}


def reply(audio):
    said = ears.stt(audio)
    if not said:
        return  # no words, such as a cough
    context = get_current_context()
    history = context.state.setdefault("history", [])
    history.append({"role": "user", "content": said})
    context.send({"type": "said", "data": said})
    for _ in range(MAX_ROUNDS):
        answer = ask(history)
        # Add calls and results together: the API rejects a history with unanswered calls.
        results = [run(call) for call in answer.get("tool_calls", ())]
        history += [answer, *results]
        if answer["content"]:
            context.send({"type": "answer", "data": answer["content"]})
            yield from voice.stream_tts_sync(answer["content"])
        if not results:
            return
    raise WebRTCError(f"The model asked for tools {MAX_ROUNDS} times and did not answer.")


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=5,
    time_limit=600,
    # The page and the server run on the same machine, so no STUN server is needed.
    server_rtc_configuration={"iceServers": []},
)
tokens = stream.tokens(os.getenv("TOKEN_SECRET") or secrets.token_urlsafe())


@stream.method
def count_turns() -> int:
    """Answer the page: `await connection.call("count_turns")`."""
    history = get_current_context().state.get("history", [])
    return sum(message["role"] == "user" for message in history)


app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # @fastrtc/client


@app.get("/token")
def token():
    # In your program, the user is the one who is logged in.
    return {"token": tokens.issue(user="Ada")}


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(Path(__file__).parent / "index.html")


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(os.getenv("PORT", "7860")))
