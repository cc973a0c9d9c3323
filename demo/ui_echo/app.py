"""The stream's Gradio page: talk, pause, and hear yourself."""

import gradio as gr
from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    """Reply with the user's own speech."""
    yield audio  # (48000, samples): int16, shape (1, n)


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    concurrency_limit=100,
    # The page and the server run on the same machine, so no STUN server is needed.
    rtc_configuration={"iceServers": []},
    server_rtc_configuration={"iceServers": []},
    ui_args={"title": "Echo", "subtitle": "Say something, pause, and hear it back."},
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
