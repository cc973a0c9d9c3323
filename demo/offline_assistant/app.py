"""Offline assistant: say a number or a day and get a reply, without a key or a network."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import ReplyOnPause, Stream, Transcript, get_stt_model, get_tts_model

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

ears = get_stt_model("pocketsphinx", words=[*DAYS, *NUMBERS])
voice = get_tts_model("espeak")


def answer(text: str) -> str:
    """Return the reply to a day or a number."""
    words = text.split()
    if len(words) == 1 and words[0] in DAYS:
        return f"After {words[0]} comes {DAYS[(DAYS.index(words[0]) + 1) % len(DAYS)]}."
    if len(words) == 1 and words[0] in NUMBERS[:-1]:
        return f"After {words[0]} comes {NUMBERS[NUMBERS.index(words[0]) + 1]}."
    return "Please say a day of the week, or a number from one to nine."


def reply(audio):
    text = ears.stt(audio)
    yield Transcript(text or "…", "user")
    yield from voice.stream_tts_sync(answer(text))


def greeting():
    yield from voice.stream_tts_sync("Hello. Say a day, or a number.")


stream = Stream(
    ReplyOnPause(reply, startup_fn=greeting),
    modality="audio",
    mode="send-receive",
    concurrency_limit=10,
    captions=True,  # of what the voice says
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
