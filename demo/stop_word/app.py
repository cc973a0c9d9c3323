"""Stop word: say "Juliet", then a color for the lamp. Other speech is ignored."""

import gradio as gr
from fastapi import FastAPI

from fastrtc import AdditionalOutputs, ReplyOnStopWords, Stream, get_stt_model, get_tts_model

COLOURS = {
    "red": "#d92d2d",
    "green": "#2a9d4a",
    "blue": "#2563eb",
    "yellow": "#f2c230",
    "off": "#d4d4d4",
}

ears = get_stt_model("pocketsphinx", words=list(COLOURS))
voice = get_tts_model("espeak")


def lamp(colour: str) -> str:
    glow = "none" if colour == "off" else f"0 0 60px {COLOURS[colour]}"
    return (
        f'<div role="img" aria-label="The lamp is {colour}" style="width: 120px; height: 120px; '
        f"margin: 40px auto; border-radius: 50%; background: {COLOURS[colour]}; "
        f'box-shadow: {glow}"></div>'
    )


def reply(audio):
    """Reply to the speech after the stop word."""
    words = [word for word in ears.stt(audio).split() if word in COLOURS]
    if words:
        yield AdditionalOutputs(lamp(words[-1]))
        yield from voice.stream_tts_sync(f"The lamp is {words[-1]}.")
    else:
        yield from voice.stream_tts_sync(f"I know {', '.join(COLOURS)}.")


stream = Stream(
    ReplyOnStopWords(reply, stop_words=["Juliet"], stt_model="pocketsphinx"),
    modality="audio",
    mode="send-receive",
    additional_outputs=[gr.HTML(lamp("off"))],
    additional_outputs_handler=lambda old, new: new,
    concurrency_limit=10,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={
        "title": "Stop word",
        "subtitle": "Say “Juliet”, then a colour: red, green, blue, yellow, or off.",
    },
)

app = FastAPI()
stream.mount(app)
app = gr.mount_gradio_app(app, stream.ui, path="/")

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
