"""The back end of a voice chat whose front end is a Next.js application: see README.md."""

import json
import os

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from fastrtc import AdditionalOutputs, ReplyOnPause, Stream, get_stt_model, get_tts_model

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
    """Send each message to the front end as soon as it is known, then speak it."""
    said = ears.stt(audio)
    yield AdditionalOutputs({"role": "user", "content": said or "…"})
    text = answer(said)
    yield AdditionalOutputs({"role": "assistant", "content": text})
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


@app.get("/messages")
def messages(webrtc_id: str):
    """Send the messages of a connection as server-sent events."""

    async def events():
        async for outputs in stream.output_stream(webrtc_id):
            yield f"data: {json.dumps(outputs.args[0])}\n\n"

    # "no-transform" keeps Next.js from buffering the events to compress them.
    headers = {"Cache-Control": "no-cache, no-transform"}
    return StreamingResponse(events(), media_type="text/event-stream", headers=headers)


if __name__ == "__main__":
    port = int(os.getenv("PORT", "7860"))
    if (mode := os.getenv("MODE")) == "UI":
        stream.ui.launch(server_port=port)
    elif mode == "PHONE":
        stream.fastphone(port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
