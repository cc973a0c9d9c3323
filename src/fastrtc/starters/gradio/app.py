"""The stream and its Gradio page. Run it with `python app.py`, then open its address."""

import os

from fastrtc import Stream

from assistant import Assistant

stream = Stream(
    Assistant(),
    modality="audio",
    mode="send-receive",
    captions=True,  # show what the assistant says
    concurrency_limit=10,
    rtc_configuration={"iceServers": []},  # on one machine no STUN server is needed
    server_rtc_configuration={"iceServers": []},
    ui_args={
        "title": "__NAME__",
        "subtitle": "Ask for the time, for seven times eight, or for a joke.",
    },
)

if __name__ == "__main__":
    stream.ui.launch(
        server_name=os.getenv("HOST", "127.0.0.1"), server_port=int(os.getenv("PORT", "7860"))
    )
