"""Receive audio: the server plays a music box; the page does not request the microphone."""

import itertools
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import Stream

RATE = 24000
STEP = 0.25  # seconds between notes
# Semitones above middle C; None is a rest.
TUNE = [
    *(12, 7, 4, 7, 9, 7, 4, None),
    *(14, 9, 5, 9, 12, 9, 5, None),
    *(16, 12, 7, 12, 14, 11, 7, None),
    *(12, 9, 5, 4, 2, 4, 0, None),
]


def chime(semitones):
    """Return a plucked tone, a few partials of which high ones decay faster. float, shape (n,)."""
    time = np.arange(int(RATE * 1.2)) / RATE
    frequency = 261.63 * 2 ** (semitones / 12)
    tone = sum(
        level * np.sin(2 * np.pi * frequency * partial * time) * np.exp(-time * fading)
        for partial, level, fading in [(1, 0.6, 4), (2, 0.22, 7), (3, 0.1, 11), (5.4, 0.05, 25)]
    )
    attack = np.minimum(1, time / 0.004)
    release = np.minimum(1, (1.2 - time) / 0.05)
    return tone * attack * release


def music_box():
    """Yield (rate, samples) forever; the queue of unplayed audio is bounded."""
    size = int(RATE * STEP)
    ringing = np.zeros(int(RATE * 1.2) + size)  # notes overlap with the next ones
    for note in itertools.cycle(TUNE):
        if note is not None:
            sound = chime(note)
            ringing[: len(sound)] += sound
        now, ringing = ringing[:size], np.append(ringing[size:], np.zeros(size))
        samples = np.clip(now * 0.5, -1, 1) * 32767
        yield RATE, samples.astype(np.int16).reshape(1, -1)


stream = Stream(
    music_box,
    modality="audio",
    mode="receive",
    concurrency_limit=100,
    # The page and the server run on the same machine, so no STUN server is needed.
    server_rtc_configuration={"iceServers": []},
)

HERE = Path(__file__).parent
app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # @fastrtc/client
app.mount("/shared", StaticFiles(directory=HERE.parent / "shared"))


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(HERE / "index.html")


if __name__ == "__main__":
    import os

    port = int(os.getenv("PORT", "7860"))
    if (mode := os.getenv("MODE")) == "UI":
        stream.ui.launch(server_port=port)
    elif mode == "PHONE":
        stream.fastphone(port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
