"""The conversation: what the assistant hears, when it answers, and its voice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from fastrtc import Interruption, ReplyOnPause, Transcript, get_tts_model
from fastrtc.testing.models import WhisperSTT
from fastrtc.text_to_speech import SentenceSplitter
from numpy.typing import NDArray

from answers import Message, answer

# These need no key and no download. `get_stt_model()` and `get_tts_model()`, that is, Moonshine and
# Kokoro, hear and sound better: `pip install "fastrtc[stt,tts]"`. They are downloaded at the start.
ears = WhisperSTT()
voice = get_tts_model("espeak")

GREETING = "Hello! What can I do for you?"


class Assistant(ReplyOnPause):
    """The conversation with one user: each connection has its own."""

    def __init__(self) -> None:
        super().__init__(self.reply, startup_fn=greet, on_interrupt=self.interrupted)
        self.messages: list[Message] = []

    def reply(self, audio: tuple[int, NDArray[np.int16]]) -> Iterator[Any]:
        """Answer what the user has said, sentence by sentence."""
        text = ears.stt(audio)
        if not text:
            return  # no words, such as a cough
        yield Transcript(text, "user")
        self.messages.append({"role": "user", "content": text})
        reply: Message = {"role": "assistant", "content": "(interrupted)"}
        pieces = answer(tuple(self.messages))
        self.messages.append(reply)
        said = []
        for sentence in sentences(pieces):
            said.append(sentence)
            yield from voice.stream_tts_sync(sentence)
        reply["content"] = " ".join(said)

    def interrupted(self, interruption: Interruption) -> None:
        """Remember only what the user has heard of an answer."""
        if self.messages and interruption.text:  # the answer has begun
            self.messages[-1]["content"] = interruption.heard_text or "(interrupted)"


def greet() -> Iterator[Any]:
    """Say something first."""
    yield from voice.stream_tts_sync(GREETING)


def sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Yield each sentence as soon as it is complete, so that speech starts early."""
    splitter = SentenceSplitter()
    for piece in pieces:
        yield from splitter.push(piece)
    yield from splitter.flush()
