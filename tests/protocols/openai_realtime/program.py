"""A program whose streams OpenAI's clients use: its replies have text, and call a function."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from fastapi import FastAPI

from fastrtc import AlgoOptions, ReplyOnPause, Speech, Stream, ToolCall, Transcript
from fastrtc.protocols.openai_realtime import realtime_session
from tests.support.models import StreamingEnergy

RATE = 24_000
SECRET = "a secret of at least sixteen bytes"
API_KEY = "sk-of-the-program"
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def beep(seconds: float, frequency: float = 440.0) -> np.ndarray:
    k = np.arange(round(seconds * RATE))
    return (6000 * np.sin(2 * np.pi * frequency * k / RATE)).astype(np.int16)


async def answer(audio: tuple[int, np.ndarray]) -> AsyncIterator[Any]:
    """Say what was typed, how long the user spoke, or the weather; the story is long.

    Clients of other protocols have no text and no instructions.
    """
    session = realtime_session()
    rate, samples = audio
    text, instructions = ("", "") if session is None else (session.text, session.instructions)
    if samples.size:
        yield Transcript(f"{samples.size / rate:.1f} s", who="user")
    if "weather" in text or "weather" in instructions:
        result = yield ToolCall("weather", {"city": "Oslo"})
        yield Speech(RATE, beep(0.2), f"It is {result} there.")
    elif "story" in text:
        for number in range(30):
            yield Speech(RATE, beep(0.5), f"Part {number}.")
    elif "fail" in text:
        raise ValueError("it was asked to")
    else:
        yield Speech(RATE, beep(0.4), f"You said: {text or 'something'}.")


class Loud(StreamingEnergy):
    """Treats loud audio as speech, and the noise of a decoder as silence."""

    def open_stream(self, options: Any) -> Any:
        return _LoudStream(super().open_stream(options))


class _LoudStream:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.reset = stream.reset

    def push(self, samples: np.ndarray) -> list[float]:
        quiet = np.abs(samples) < (100 if samples.dtype.kind == "i" else 100 / 32768)
        return self._stream.push(np.where(quiet, 0, samples))


def create_stream(**options: Any) -> Stream:
    options_of_turns = AlgoOptions(audio_chunk_duration=0.4)
    handler = ReplyOnPause(answer, algo_options=options_of_turns, model=Loud())
    defaults: dict[str, Any] = {
        "verbose": False,
        "server_rtc_configuration": {"iceServers": []},
        "concurrency_limit": 4,
    }
    return Stream(handler, modality="audio", mode="send-receive", **defaults | options)


def authorize(request: Any) -> Any:
    """Accept the program's own key, and tokens of the stream, which were checked before."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    return True if key == API_KEY or key.startswith("frtc1.") else "This key is wrong."


def create_app(stream: Stream) -> FastAPI:
    app = FastAPI()
    stream.mount(app, protocols=["fastrtc", "openai-realtime"])
    return app
