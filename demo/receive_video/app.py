"""Receive video: the server generates video of the sea; the page does not request the camera."""

import time
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import Stream, VideoStreamHandler

WIDTH, HEIGHT, HORIZON = 480, 270, 160
DAY = 24.0  # seconds between sunrises
DUSK = 0.86  # the fraction of them before sunset
# Colors are BGR, as everywhere in the stream: the top of the sky, and just above the sea.
NIGHT = np.array([[60, 28, 14], [104, 58, 46]], np.float32)
DAWN = np.array([[150, 88, 70], [118, 160, 250]], np.float32)
NOON = np.array([[214, 148, 74], [240, 220, 176]], np.float32)
DEEP = np.array([26, 14, 4], np.float32)

x = np.arange(WIDTH, dtype=np.float32)
y = np.arange(HORIZON, dtype=np.float32)[:, None]
depth = np.arange(1, HEIGHT - HORIZON + 1, dtype=np.float32)[:, None]  # rows below the horizon


def sky(now):
    """Paint the sky, uint8, shape (HORIZON, WIDTH, 3)."""
    hour = now % DAY / DAY / DUSK  # 0 at sunrise, 1 at sunset
    # Height of the sun: 1 at noon, below 0 in the short night.
    night = (hour - 1) / (1 / DUSK - 1)
    height = np.float32(np.sin(np.pi * hour) if hour < 1 else -0.5 * np.sin(np.pi * night))
    low, high = (NOON, DAWN) if height > 0.35 else (DAWN, NIGHT)
    share = np.clip((height - 0.35) / 0.5, 0, 1) if height > 0.35 else (height + 0.35) / 0.7
    top, bottom = high + (low - high) * np.clip(share, 0, 1)
    slope = (y / HORIZON) ** 1.6
    picture = (top + (bottom - top) * slope[..., None]).repeat(WIDTH, axis=1)

    sun_x, sun_y = WIDTH * (0.08 + 0.84 * hour), HORIZON * (1.02 - 0.8 * height)
    glow = np.exp(-(((x - sun_x) / 112) ** 2)) * np.exp(-(((y - sun_y) / 68) ** 2))
    picture += glow[..., None] * np.array([16, 56, 92], np.float32)
    distance = np.hypot(x - sun_x, y - sun_y)
    disc = np.clip(20 - distance, 0, 1)[..., None]  # one pixel of soft edge
    picture += (np.array([190, 236, 255], np.float32) - picture) * disc
    return np.clip(picture, 0, 255).astype(np.uint8)


def sea(above, now):
    """Paint the sea, which reflects the sky, uint8, shape (HEIGHT - HORIZON, WIDTH, 3)."""
    wave = np.sin(430 / (depth + 7) + now * 2.4) + np.sin(x / 23 - now * 1.3 + depth * 0.5)
    mirrored = HORIZON - 1 - (depth * 1.35 + wave * (0.2 + depth * 0.09))
    rows = np.clip(mirrored, 0, HORIZON - 1).astype(int)
    columns = np.clip(x + wave * (1 + depth * 0.06), 0, WIDTH - 1).astype(int)
    light = 0.62 + 0.1 * wave * (depth / HEIGHT + 0.25)
    return np.minimum(above[rows, columns] * light[..., None] + DEEP, 255).astype(np.uint8)


def paint(now):
    above = sky(now)
    return np.vstack([above, sea(above, now)])


def pictures():
    """Yield BGR frames forever, as fast as they are requested."""
    began = time.monotonic() - 0.1 * DAY
    while True:
        yield paint(time.monotonic() - began)


stream = Stream(
    VideoStreamHandler(pictures, fps=24),
    modality="video",
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
    if os.getenv("MODE") == "UI":
        stream.ui.launch(server_port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
