"""Makes `utterances.json`: which utterances FastRTC 0.0.34 makes of recorded speech.

    PYTHONPATH=src python -m tests.turns.make_utterances REFERENCE_PYTHON

REFERENCE_PYTHON is that of an environment with `fastrtc==0.0.34`, which runs in a process
of its own and is asked through its public interface only. What finds speech is this package's model
on both sides. Needs the recorded prompts; the tests need the file, and some of them the prompts.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FRAME = RATE // 50
PATH = Path(__file__).parent / "utterances.json"

Samples = NDArray[np.int16]

SETS: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "defaults": ({}, {}),
    "threshold 0.3": ({}, {"threshold": 0.3}),
    "threshold 0.7": ({}, {"threshold": 0.7}),
    "as in the guide": (
        {
            "audio_chunk_duration": 0.6,
            "started_talking_threshold": 0.2,
            "speech_threshold": 0.1,
        },
        {"threshold": 0.5, "min_speech_duration_ms": 250, "min_silence_duration_ms": 100},
    ),
    "all of the chunk": (
        {
            "audio_chunk_duration": 0.5,
            "started_talking_threshold": 0.2,
            "speech_threshold": 0.5,
        },
        {"min_speech_duration_ms": 250, "min_silence_duration_ms": 500},
    ),
    "most of the chunk": ({"speech_threshold": 0.5}, {}),
    "half of a short chunk": ({"audio_chunk_duration": 0.4, "speech_threshold": 0.2}, {}),
    "much to begin": ({"started_talking_threshold": 0.55}, {}),
    "short chunk": (
        {
            "audio_chunk_duration": 0.5,
            "started_talking_threshold": 0.1,
            "speech_threshold": 0.05,
        },
        {},
    ),
    "long chunk": ({"audio_chunk_duration": 1.0}, {}),
    "long chunk, half of it": (
        {"audio_chunk_duration": 1.0, "speech_threshold": 0.5},
        {"min_silence_duration_ms": 300},
    ),
    "silence 300": ({}, {"min_silence_duration_ms": 300}),
    "silence 500": ({}, {"min_silence_duration_ms": 500}),
    "silence 1500": ({}, {"min_silence_duration_ms": 1500}),
    "speech 100": ({}, {"min_speech_duration_ms": 100}),
    "speech 400": ({}, {"min_speech_duration_ms": 400}),
    "padding 30": ({}, {"speech_pad_ms": 30}),
    "padding 100, silence 100": ({}, {"speech_pad_ms": 100, "min_silence_duration_ms": 100}),
    "padding 200, silence 200, speech 100": (
        {},
        {"speech_pad_ms": 200, "min_silence_duration_ms": 200, "min_speech_duration_ms": 100},
    ),
    "a maximum": ({"max_continuous_speech_s": 1.8}, {}),
    "splits": ({}, {"max_speech_duration_s": 0.4, "speech_pad_ms": 0}),
}
"""Options of turns, and of the model."""

SPOKEN = {
    "support": ["im-sorry", 1.6, "please-try-again", 2.0, "hello-world", 1.7, "goodbye"],
    "voicemail": ["vm-intro", 1.9, "vm-goodbye", 1.5, "one-moment-please", 2.0],
    "transfer": ["pbx-transfer", 1.5, "pbx-invalid", 1.8, "auth-thankyou", 2.3],
    "hesitation": ["if-correct-press", 0.25, "digits/1", 1.8, "hello", 0.2, "hello-world", 1.5],
    "numbers": ["digits/4", 1.7, "digits/9", 1.5, "digits/20", 1.9, "digits/1", 1.6],
}
"""Prompts, and seconds of silence between them; some more at both ends."""


def conversations() -> dict[str, Samples]:
    """What is heard, with the faint noise of any microphone."""
    from tests.support.speech import recorded_prompt, spaced, trimmed

    noise = np.random.default_rng(4)
    heard = {}
    for name, parts in SPOKEN.items():
        spoken = spaced(
            0.83,
            *(trimmed(recorded_prompt(p, RATE), RATE) if isinstance(p, str) else p for p in parts),
            2.5,
            rate=RATE,
        )
        noisy = spoken + noise.standard_normal(spoken.size) * 10
        whole = noisy.size // FRAME * FRAME
        heard[name] = np.clip(noisy, -32768, 32767).astype(np.int16)[:whole]
    return heard


class Noting:
    """A model that notes how much speech it found in each block."""

    def __init__(self, vad: Callable[[tuple[int, Samples], Any], tuple[float, Any]]) -> None:
        self._vad = vad
        self.blocks: list[tuple[int, float]] = []

    def vad(self, audio: tuple[int, Samples], options: Any) -> tuple[float, Any]:
        found = self._vad(audio, options)
        self.blocks.append((len(audio[1]), found[0]))
        return found

    def warmup(self) -> None: ...


def reply_of(said: list[Samples]) -> Callable[[tuple[int, Samples]], Iterator[Any]]:
    """A function for a `ReplyOnPause` that keeps what it gets."""

    def reply(audio: tuple[int, Samples]) -> Iterator[Any]:
        said.append(audio[1])
        yield 24_000, np.zeros((1, 480), np.int16)

    return reply


def utterances(
    handler: Any, said: list[Samples], samples: Samples, rate: int = RATE
) -> list[tuple[int, int]]:
    """Where the utterances are that a `ReplyOnPause` makes of audio, in samples.

    Args:
        handler: Nobody is connected to it.
        said: Its function adds what it gets.
        samples: Shape `(n,)`.
        rate: In Hz.
    """
    found = []
    frame = rate // 50
    for begin in range(0, samples.size, frame):
        handler.receive((rate, samples[np.newaxis, begin : begin + frame]))
        if handler.event.is_set():
            for _ in range(4):  # the reply, and its end
                handler.emit()
            end = begin + frame
            found.append((end - said[-1].shape[1], end))
    return found


def run_reference(address: str) -> None:
    """Run FastRTC 0.0.34 and send what it finds."""
    import asyncio

    from fastrtc import AlgoOptions, ReplyOnPause, SileroVadOptions

    assert not hasattr(AlgoOptions(), "hop_s"), "this is not the reference"
    connection = Client(address)
    heard = connection.recv()
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def ask(audio: tuple[int, Samples], options: Any) -> tuple[float, Any]:
        connection.send((audio, vars(options)))
        return connection.recv()

    for algo, vad in SETS.values():
        for samples in heard.values():
            said: list[Samples] = []
            model = Noting(ask)
            handler = ReplyOnPause(
                reply_of(said),
                algo_options=AlgoOptions(**algo),
                model_options=SileroVadOptions(**vad),
                model=model,
                input_sample_rate=RATE,
            )
            handler._loop = loop
            handler._clear_queue = lambda *_: None
            handler.phone_mode = True
            found = utterances(handler, said, samples)
            connection.send({"blocks": model.blocks, "utterances": found})


def main(python: str) -> None:
    from fastrtc.pause_detection.silero import SileroVADModel, SileroVadOptions

    model = SileroVADModel()
    heard = conversations()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, Listener(f"{folder}/socket") as listener:
        child = subprocess.Popen(
            [python, "-I", __file__, "--reference", str(listener.address)]  # not this package
        )
        connection: Connection = listener.accept()
        connection.send(heard)
        for name, (algo, vad) in SETS.items():
            found[name] = {"algo": algo, "vad": vad, "heard": {}}
            for what in heard:
                while not isinstance(message := connection.recv(), dict):
                    audio, options = message
                    connection.send(model.vad(audio, SileroVadOptions(**options)))
                sizes = {size for size, _ in message["blocks"]}
                found[name]["heard"][what] = {
                    "block": sizes.pop(),
                    "speech_s": [round(speech_s, 4) for _, speech_s in message["blocks"]],
                    "utterances": message["utterances"],
                }
                assert not sizes, "blocks are of one size"
            print(name, {k: len(v["utterances"]) for k, v in found[name]["heard"].items()})
        child.wait(30)
    lines = [f"{json.dumps(name)}: {json.dumps(of_set)}" for name, of_set in found.items()]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    if sys.argv[1] == "--reference":
        run_reference(sys.argv[2])
    else:
        main(sys.argv[1])
