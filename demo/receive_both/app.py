"""Receive both: a bouncing ball with synchronized sound; the page requests no device."""

import asyncio
import time
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import AsyncAudioVideoStreamHandler, Stream

RATE = 48000
FRAME = RATE // 50
LEAD = 0.04  # seconds that sound is generated ahead of the video, for the receiver's jitter buffer
BEAT = 0.9  # seconds between bounces
NOTES = [0, 4, 7, 12, 9, 7, 4, 2]
# BGR, one for each note.
COLOURS = np.array(
    [
        *([92, 112, 242], [74, 158, 250], [96, 208, 250], [130, 214, 150]),
        *([190, 190, 96], [236, 164, 92], [232, 130, 150], [180, 112, 226]),
    ],
    np.float32,
)
WIDTH, HEIGHT, FLOOR, RADIUS = 640, 360, 306, 30

x = np.arange(WIDTH, dtype=np.float32)
y = np.arange(HEIGHT, dtype=np.float32)[:, None]
slope = np.where(y < FLOOR, (y / FLOOR) ** 2, 0)[..., None] * np.array([34, 24, 20])
floor = np.where(y < FLOOR, 0, 1)[..., None] * np.array([22, 16, 14])
BACKGROUND = (np.array([46, 34, 28]) + slope + floor).repeat(WIDTH, axis=1).astype(np.uint8)


def paint(now):
    """Return the frame at this moment: BGR, uint8, shape (HEIGHT, WIDTH, 3)."""
    bounce, phase = divmod(now / BEAT, 1)
    colour = COLOURS[int(bounce) % len(NOTES)]
    since = phase * BEAT  # seconds since it touched the floor
    ball_x = 90 + (WIDTH - 180) * abs((now / (BEAT * 4)) % 2 - 1)
    touch = max(0.0, 1 - min(since, BEAT - since) / 0.07)
    tall, wide = RADIUS * (1 - 0.22 * touch), RADIUS * (1 + 0.16 * touch)
    ball_y = FLOOR - tall - 4 * 218 * phase * (1 - phase)

    picture = BACKGROUND.copy()
    # The shadow, and a ring that expands from the point of contact.
    strip = picture[FLOOR - 8 :]
    below = y[FLOOR - 8 :]
    shadow = np.exp(-(((x - ball_x) / wide / 1.5) ** 2) - ((below - FLOOR - 6) / 9) ** 2)
    shadow *= 0.6 * (ball_y + 120) / (FLOOR + 120)
    far = np.hypot((x - ball_x) / 3.4, (below - FLOOR - 8) * 1.3) - since * 90
    ring = np.exp(-((far / 2.2) ** 2)) * max(0.0, 1 - since / 0.6) * (below >= FLOOR)
    strip[:] = strip * (1 - shadow)[..., None] + ring[..., None] * colour * 0.5

    # The ball: paint only the square around it.
    left, top = int(ball_x) - 40, max(0, int(ball_y) - 40)
    square = picture[top : top + 80, left : left + 80]
    across, down = x[left : left + 80] - ball_x, y[top : top + 80] - ball_y
    edge = np.hypot(across / wide, down / tall)
    disc = np.clip((1 - edge) * RADIUS, 0, 1)[..., None]
    shade = 1 - 0.3 * np.clip(edge, 0, 1) ** 3
    shine = np.exp(-((np.hypot(across + 10, down + 11) / 13) ** 2)) * 90
    ball = np.minimum(colour * shade[..., None] + shine[..., None], 255)
    square[:] = square + (ball - square) * disc
    return picture


def sound(begin):
    """Return 20 ms of sound from this moment on: int16, shape (1, FRAME)."""
    moment = begin + np.arange(FRAME) / RATE
    samples = np.zeros(FRAME)
    for back in (0, 1):  # this bounce, and the previous one, which is still audible
        bounce = moment // BEAT - back
        since = moment - bounce * BEAT
        semitones = np.take(NOTES, bounce.astype(int) % len(NOTES))
        pitch = 2 * np.pi * 196.0 * 2 ** (semitones / 12)
        tone = np.sin(pitch * since) + 0.3 * np.sin(2.76 * pitch * since) * np.exp(-since * 14)
        samples += tone * np.exp(-since * 5.5) * np.minimum(1, since / 0.003)
    return (np.clip(samples * 0.35, -1, 1) * 32767).astype(np.int16).reshape(1, -1)


class Ball(AsyncAudioVideoStreamHandler):
    """Generate sound and video from one clock, so that they stay synchronized."""

    def __init__(self):
        super().__init__(output_sample_rate=RATE, fps=30)
        self.began = None
        self.sent = 0  # frames of sound

    def now(self):
        if self.began is None:
            self.began = time.monotonic()
        return time.monotonic() - self.began

    async def emit(self):
        begin = self.sent * FRAME / RATE
        await asyncio.sleep(begin - self.now() - LEAD)
        self.sent += 1
        return RATE, sound(begin)

    async def video_emit(self):
        return paint(self.now())

    async def receive(self, frame): ...  # the page sends no media

    async def video_receive(self, frame): ...

    def copy(self):
        return Ball()


stream = Stream(
    Ball(),
    modality="audio-video",
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
