"""An agent that calls tools before it answers; the page shows the calls."""

import json
import os
from datetime import date
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

MODEL = os.getenv("MODEL", "gpt-4o-mini")
STT = os.getenv("STT", "moonshine/base")
TTS = os.getenv("TTS", "kokoro")
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MOST_ROUNDS = 5  # of calls before an answer, because a model may never stop

# STT=pocketsphinx, which recognizes only these words, and TTS=espeak need no download.
ears = get_stt_model(STT, **({"words": DAYS} if STT == "pocketsphinx" else {}))
voice = get_tts_model(TTS)


# The agent's tools. In your program these would call a calendar and a weather service.


def look_into_calendar(day):
    appointments = {
        "monday": ["9:30 dentist", "18:00 choir"],
        "wednesday": ["14:00 call with Ada"],
        "saturday": ["11:00 picnic in the park"],
    }
    return appointments.get(day, [])


def forecast_weather(day):
    skies = ("sunny", "cloudy", "rainy")
    number = DAYS.index(day)
    return {"sky": skies[number % 3], "celsius": 15 + number}


TOOLS = {
    "look_into_calendar": (look_into_calendar, "The appointments of a day of this week."),
    "forecast_weather": (forecast_weather, "What the weather will be on a day of this week."),
}
DAY_ONLY = {
    "type": "object",
    "properties": {"day": {"type": "string", "enum": DAYS}},
    "required": ["day"],
    "additionalProperties": False,
}
DESCRIPTIONS = [
    {
        "type": "function",
        "function": {"name": name, "description": text, "parameters": DAY_ONLY, "strict": True},
    }
    for name, (_, text) in TOOLS.items()
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
    system = (
        f"You are a personal assistant; today is {date.today():%A}. Look things up rather than "
        "guess. You are heard: answer in one or two short sentences, without lists or markup."
    )
    answer = client().chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": system}, *history],
        tools=DESCRIPTIONS,
    )
    message = answer.choices[0].message
    said = {"role": "assistant", "content": message.content or ""}
    if message.tool_calls:
        said["tool_calls"] = [call.model_dump(exclude_none=True) for call in message.tool_calls]
    return said


def run(call):
    """Run a tool call and return its result, or its error, as a message for the history."""
    try:
        function, _ = TOOLS[call["function"]["name"]]
        result = function(**json.loads(call["function"]["arguments"]))
    except (KeyError, TypeError, ValueError) as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    return {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)}


def reply(audio, history=None):
    said = ears.stt(audio)
    if not said:
        return  # no words, such as a cough
    history = [*(history or []), {"role": "user", "content": said}]
    yield AdditionalOutputs(history)
    for _ in range(MOST_ROUNDS):
        answer = ask(history)
        # Add calls and results together: the API rejects a history with unanswered calls.
        results = [run(call) for call in answer.get("tool_calls", ())]
        history = [*history, answer, *results]
        yield AdditionalOutputs(history)
        if answer["content"]:
            yield from voice.stream_tts_sync(answer["content"])
        if not results:
            return
    raise WebRTCError(f"The model asked for tools {MOST_ROUNDS} times and did not answer.")


def as_chat(history):
    """Return the conversation for the chatbot, with each call and its result collapsed."""
    results = {one["tool_call_id"]: one["content"] for one in history if one["role"] == "tool"}
    for message in history:
        if message["role"] in ("user", "assistant") and message["content"]:
            yield {"role": message["role"], "content": message["content"]}
        for call in message.get("tool_calls", ()):
            function = call["function"]
            yield {
                "role": "assistant",
                "content": results[call["id"]],
                "metadata": {
                    "title": f"🛠️ {function['name']} {function['arguments']}",
                    "status": "done",
                },
            }


# The history is an input and an output: the page stores it, or the telephone call does.
# It contains more than the chatbot can show.
history = gr.State([])
chatbot = gr.Chatbot(show_label=False, height="max(16rem, 100vh - 37rem)", buttons=[])
stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    additional_inputs=[history],
    additional_outputs=[chatbot, history],
    additional_outputs_handler=lambda _chat, _before, now: (list(as_chat(now)), now),
    concurrency_limit=5,
    time_limit=600,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={"title": "Agent with tools", "subtitle": "Ask about your week, or the weather."},
)

with stream.ui:
    chatbot.clear(lambda: [], outputs=history)

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
