"""Text or audio: type or say your order; the waiter replies in text and speech."""

import re

import gradio as gr
from fastapi import FastAPI

from fastrtc import (
    AdditionalOutputs,
    ReplyOnPause,
    Stream,
    WebRTCData,
    get_stt_model,
    get_tts_model,
)

PRICES = {"coffee": 3, "tea": 2, "water": 1, "juice": 4, "sandwich": 6}

ears = get_stt_model("pocketsphinx", words=list(PRICES))
voice = get_tts_model("espeak")


def answer(text: str) -> str:
    """Return the waiter's reply to an order."""
    ordered = [word for word in re.findall(r"\w+", text.lower()) if word in PRICES]
    if not ordered:
        return f"We have {', '.join(PRICES)}. What would you like?"
    return f"{' and '.join(ordered).capitalize()}: that is {sum(map(PRICES.get, ordered))} dollars."


def reply(data: WebRTCData, history: list):
    """Reply to text or speech, whichever the user sent."""
    text = data.textbox or ears.stt(data.audio)
    history = [*history, {"role": "user", "content": text}]
    yield AdditionalOutputs(history)  # shown immediately
    said = answer(text)
    yield AdditionalOutputs([*history, {"role": "assistant", "content": said}])
    yield from voice.stream_tts_sync(said)


# Gradio 6 has no argument `type`, because chatbots always use messages
chat = gr.Chatbot(height=320, **({"type": "messages"} if gr.__version__[0] == "5" else {}))

stream = Stream(
    ReplyOnPause(reply),
    modality="audio",
    mode="send-receive",
    additional_inputs=[chat],
    additional_outputs=[chat],
    additional_outputs_handler=lambda old, new: new,
    concurrency_limit=10,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={
        "variant": "textbox",
        "title": "Text or audio",
        "subtitle": f"Type or say what you would like: {', '.join(PRICES)}.",
    },
)

app = FastAPI()
stream.mount(app)
app = gr.mount_gradio_app(app, stream.ui, path="/")

if __name__ == "__main__":
    import os

    port = int(os.getenv("PORT", "7860"))
    if os.getenv("MODE") == "UI":
        stream.ui.launch(server_port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
