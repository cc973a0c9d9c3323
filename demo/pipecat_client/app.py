"""The back end of a page that uses pipecat's JavaScript client: see README.md."""

import os
import secrets
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import (
    ReplyOnPause,
    Stream,
    ToolCall,
    Transcript,
    get_current_context,
    get_stt_model,
    get_tts_model,
)

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

# These models need no key and no download, but recognize only these words. For free conversation,
# use `get_stt_model()`, `get_tts_model()` and a language model in `answer`.
ears = get_stt_model("pocketsphinx", words=DAYS)
voice = get_tts_model("espeak")


def answer(day: str, plans: str) -> str:
    first = DAYS.index(day)
    days = [DAYS[(first + k) % len(DAYS)] for k in range(1, len(DAYS))]
    following = f"After {day} comes {days[0]}. Then come " + ", and then ".join(days[1:])
    return f"On {day} you have {plans}. {following}."


def reply(audio):
    """Send the transcript of the user, call a function of the page, then speak.

    The page gets the text of what is spoken.
    """
    said = ears.stt(audio)
    context = get_current_context()
    context.state["turns"] = context.state.get("turns", 0) + 1
    yield Transcript(said or "…", who="user")
    if said not in DAYS:
        yield from voice.stream_tts_sync("Please say a day of the week.")
        return
    plans = yield ToolCall("show_day", {"day": said})  # see frontend/main.js
    yield from voice.stream_tts_sync(answer(said, plans))


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=10,
    # The page and the server run on the same machine, so no STUN server is needed.
    server_rtc_configuration={"iceServers": []},
)
tokens = stream.tokens(os.getenv("TOKEN_SECRET") or secrets.token_urlsafe())


@stream.method
def count_turns() -> int:
    """Answer the page: `client.sendClientRequest("count_turns")`."""
    return get_current_context().state.get("turns", 0)


app = FastAPI()
stream.mount(app, protocols=["fastrtc", "rtvi"])


@app.get("/token")
def token():
    # In your program, the user is the one who is logged in.
    return {"token": tokens.issue(user="Ada")}


FRONTEND = Path(__file__).parent / "frontend"
app.mount("/dist", StaticFiles(directory=FRONTEND / "dist", check_dir=False))  # npm run build


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(FRONTEND / "index.html")


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(os.getenv("PORT", "7860")))
