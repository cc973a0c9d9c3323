"""A server of the OpenAI Realtime API: say a color, and the page has it, without a key."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

from fastrtc import ReplyOnPause, Stream, ToolCall, Transcript, get_stt_model, get_tts_model
from fastrtc.protocols.openai_realtime import realtime_session

COLORS = ("red", "green", "blue", "yellow", "orange", "purple", "white", "black")

ears = get_stt_model("pocketsphinx", words=COLORS)
voice = get_tts_model("espeak")


def reply(audio):
    session = realtime_session()  # None on the Gradio page and on the telephone
    typed = session.text if session else ""
    said = typed.strip().lower() or ears.stt(audio)
    if not typed:
        yield Transcript(said or "…", who="user")
    if said not in COLORS:
        yield from voice.stream_tts_sync("Please say a color.")
    elif session is None:
        yield from voice.stream_tts_sync(f"You said {said}.")
    else:
        before = yield ToolCall("set_color", {"color": said})  # a function of the page
        yield from voice.stream_tts_sync(f"It was {before}, and now it is {said}.")


stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    concurrency_limit=10,
    # The page and the server run on the same machine, so no STUN server is needed.
    server_rtc_configuration={"iceServers": []},
)

app = FastAPI()
stream.mount(app, protocols=["fastrtc", "openai-realtime"])


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(Path(__file__).parent / "index.html")


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
