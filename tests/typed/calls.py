"""What a strictly typed test of a program writes, with no ``Any`` in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

from fastrtc import Stream, get_stt_model, get_tts_model
from fastrtc.testing import Call, CallFailed, Reply, Turn


class Silence:
    def tts(self, text: str, options: object = None) -> tuple[int, NDArray[np.float32]]:
        return 16_000, np.zeros(len(text), np.float32)


async def converse(stream: Stream, call: Callable[..., Call]) -> list[str]:
    async with Call(stream, "memory", voice=Silence(), ears=get_stt_model(), loss=0.01) as caller:
        await caller.say("Hello.")
        reply = await caller.reply(limit_s=5)
        assert_type(reply, Reply)
        await caller.say(Path("stop.wav"), at=reply.starts_s + 1)
        await caller.say((8_000, np.ones(80, np.int16)))
        await caller.say((8_000, np.ones(80)))
        caller.inputs("Ada", 5)
        await caller.press("1")
        await caller.finish()
    assert_type(caller.turns, list[Turn])
    assert_type(caller.turns[0].audio, tuple[int, NDArray[np.int16]])
    assert_type(caller.outputs, list[tuple[object, ...]])
    assert_type(caller.messages, list[dict[str, object]])
    caller.save("call.wav")
    async with call(stream, voice=get_tts_model("espeak")) as other:
        try:
            await other.reply()
        except CallFailed as error:
            return [str(error)]
    return [turn.heard for turn in other.turns]
