"""The back end of a voice chat whose front end is a Next.js application: see README.md."""

import os

from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream, Transcript, get_stt_model, get_tts_model

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

# These models need no key and no download, but recognize only these words. For free conversation,
# use `get_stt_model()`, `get_tts_model()` and a language model in `answer`.
ears = get_stt_model("pocketsphinx", words=DAYS)
voice = get_tts_model("espeak")


def answer(text: str) -> str:
    words = text.split()
    if len(words) != 1:
        return "Please say a day of the week."
    return f"After {words[0]} comes {DAYS[(DAYS.index(words[0]) + 1) % len(DAYS)]}."


def reply(audio):
    """Send what is said to the front end as soon as it is known, then speak it."""
    said = ears.stt(audio)
    yield Transcript(said or "…", who="user")
    text = answer(said)
    yield Transcript(text)
    yield from voice.stream_tts_sync(text)


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=10,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
)

app = FastAPI()
stream.mount(app)


@app.get("/")
def about():
    return {"what": "the back end; the page is Next.js', see README.md"}


if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if (mode := os.getenv("MODE")) == "UI":
        stream.ui.launch(server_port=port)
    elif mode == "PHONE":
        stream.fastphone(port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
