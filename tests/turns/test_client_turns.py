"""Turns that the client of another protocol decides about, over memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import AlgoOptions, AsyncStreamHandler, Interruption, ReplyOnPause, Speech, Stream
from fastrtc.handlers.link import link_of
from fastrtc.server.endpoint import endpoint_of
from fastrtc.testing import Call
from fastrtc.turns.client_turns import ClientTurns, client_turns_of
from tests.support.models import StreamingEnergy

RATE = 24_000


class Program:
    """A stream whose replies last four seconds, and what happened to them."""

    def __init__(self, **options: Any) -> None:
        self.heard: list[float] = []
        self.interruptions: list[Interruption] = []
        options = {
            "algo_options": AlgoOptions(audio_chunk_duration=0.4),
            "model": StreamingEnergy(),
            "on_interrupt": self.interruptions.append,
        } | options
        self.stream = Stream(
            ReplyOnPause(self.reply, **options),
            modality="audio",
            mode="send-receive",
            verbose=False,
        )

    def reply(self, audio: Any) -> Iterator[Any]:
        rate, samples = audio
        self.heard.append(samples.size / rate)
        for number in range(8):
            yield Speech(RATE, np.full(RATE // 2, 3000, np.int16), f"word{number}")

    @property
    def handler(self) -> Any:
        (connection,) = endpoint_of(self.stream).places
        return connection.session.handler

    @property
    def turns(self) -> ClientTurns:
        found = client_turns_of(self.handler)
        assert found is not None
        return found


def tone(seconds: float) -> Any:
    k = np.arange(round(RATE * seconds))
    return RATE, (8000 * np.sin(2 * np.pi * 440 * k / RATE)).astype(np.int16)


async def test_the_client_commits_and_asks_for_the_reply():
    program = Program()
    async with Call(program.stream) as call:
        turns = program.turns
        assert turns.detects and not turns.has_turn_model
        turns.set_manual(True)
        await call.say(tone(1.0))
        await call.wait(1.0)
        assert program.heard == [], "a pause ends no turn"
        turns.commit()
        await call.say(tone(0.5))
        turns.commit()
        await call.wait(0.2)
        assert program.heard == []
        turns.after_audio(program.handler.trigger_response)
        await call.wait(1.0)
        assert program.heard == [pytest.approx(2.5, abs=0.2)]
        turns.interrupt(0.6)
        await call.wait(0.2)
        (interruption,) = program.interruptions
        assert (float(interruption), interruption.heard_text) == (0.6, "word0")
        assert turns.heard(1.0) == "word0 word1"
        await call.say(tone(0.5))
        turns.discard()
        turns.commit()
        turns.after_audio(program.handler.trigger_response)
        await call.wait(0.5)
        assert program.heard[1:] == [pytest.approx(0.0, abs=0.05)]
        turns.interrupt()
        turns.set_manual(False)
        await call.say(tone(1.0))
        await call.wait(1.0)
        assert program.heard[2:] == [pytest.approx(1.5, abs=0.3)]


async def test_an_utterance_can_be_committed_before_its_pause():
    program = Program()
    async with Call(program.stream) as call:
        await call.say(tone(0.6))
        program.turns.commit()
        await call.wait(1.0)
        assert program.heard == []
        program.turns.after_audio(program.handler.trigger_response)
        await call.wait(0.5)
        assert program.heard == [pytest.approx(0.6, abs=0.2)]
        program.turns.interrupt()
        await call.say(tone(0.6))
        program.turns.discard()
        await call.wait(1.0)
        assert len(program.heard) == 1


async def test_manual_turns_and_other_handlers():
    program = Program(turn_detection="manual", model=None, algo_options=None)
    async with Call(program.stream) as call:
        assert not program.turns.detects
        await call.say(tone(0.6))
        program.turns.commit()
        program.turns.after_audio(program.handler.trigger_response)
        await call.wait(0.5)
        assert program.heard == [pytest.approx(0.6, abs=0.2)]

    class Other(AsyncStreamHandler):
        async def receive(self, frame: Any) -> None: ...

        async def emit(self) -> None: ...

        def copy(self) -> "Other":
            return Other()

    assert client_turns_of(Other()) is None
    assert client_turns_of(print) is None
    assert link_of(Other()).conversation is None
