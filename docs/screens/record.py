"""Record `conversation.webp`, the animation in README.md: `python docs/screens/record.py`.

A real conversation on a stream's Gradio page, in Chromium, whose microphone plays recorded voices.
It has the same requirements as the tests.
"""

import asyncio
import io
import sys
import time
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

import gradio as gr  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from talking import page_with_microphone  # noqa: E402

from fastrtc import (  # noqa: E402
    AdditionalOutputs,
    ReplyOnPause,
    Stream,
    get_stt_model,
    get_tts_model,
)
from tests.support.servers import serving  # noqa: E402
from tests.support.speech import recorded_prompt, spaced  # noqa: E402

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
SECONDS, PER_SECOND = 13, 8
CLIP = {"x": 0, "y": 0, "width": 800, "height": 700}  # without the footer
LOCAL = {"iceServers": []}

ears = get_stt_model("pocketsphinx", words=list(DAYS))
voice = get_tts_model("espeak")


def reply(audio, chat):
    day = ears.stt(audio)
    answer = f"After {day.capitalize()} comes {DAYS[(DAYS.index(day) + 1) % 7].capitalize()}."
    chat = [*chat, {"role": "user", "content": day.capitalize()}]
    yield AdditionalOutputs(chat)
    yield AdditionalOutputs([*chat, {"role": "assistant", "content": answer}])
    yield from voice.stream_tts_sync(answer)


chatbot = gr.Chatbot(value=[], label="Said", height=260)
stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    rtc_configuration=LOCAL,
    server_rtc_configuration=LOCAL,
    additional_inputs=[chatbot],
    additional_outputs=[chatbot],
    additional_outputs_handler=lambda before, now: now,
    ui_args={"title": "Say a day", "full_screen": False},
    verbose=False,
)


async def record(url: str) -> list[tuple[float, bytes]]:
    says = [recorded_prompt(f"digits/day-{number}") for number in (1, 4)]
    sound = spaced(2.0, says[0], 4.5, says[1], 20.0)
    async with page_with_microphone(sound, viewport={"width": 800, "height": 800}) as page:
        await page.goto(url)
        button = page.get_by_role("button", name="Start", exact=True).first
        await button.wait_for()
        frames: list[tuple[float, bytes]] = []
        began = time.monotonic()
        clicked = False
        while (now := time.monotonic() - began) < SECONDS:
            frames.append((now, await page.screenshot(type="jpeg", quality=90, clip=CLIP)))
            if not clicked and now > 0.6:
                clicked = True
                await button.click()
            await asyncio.sleep(max(0.0, began + len(frames) / PER_SECOND - time.monotonic()))
    return frames


def save(frames: list[tuple[float, bytes]], path: Path) -> None:
    pictures = [Image.open(io.BytesIO(data)) for _, data in frames]
    times = [at for at, _ in frames] + [SECONDS + 1.0]
    lasts = [round(1000 * (b - a)) for a, b in zip(times, times[1:], strict=False)]
    first, *rest = pictures
    first.save(path, save_all=True, append_images=rest, duration=lasts, loop=0, quality=60)


if __name__ == "__main__":
    with serving(gr.mount_gradio_app(FastAPI(), stream.ui, path="/")) as url:
        recorded = asyncio.run(record(url))
    save(recorded, HERE / "conversation.webp")
    print(len(recorded), "pictures", (HERE / "conversation.webp").stat().st_size, "bytes")
