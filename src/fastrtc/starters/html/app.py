"""The server: the stream and its page. Run it with `python app.py`, then open its address."""

import mimetypes
import os
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from fastrtc import Stream

from assistant import Assistant

stream = Stream(
    Assistant(),
    modality="audio",
    mode="send-receive",
    captions=True,  # show what the assistant says
    concurrency_limit=10,
    server_rtc_configuration={"iceServers": []},  # on one machine no STUN server is needed
)

mimetypes.add_type("text/javascript", ".js")  # the registry of Windows may have another type

app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # the JavaScript client
app.mount("/", StaticFiles(directory=Path(__file__).parent / "page", html=True))

if __name__ == "__main__":
    uvicorn.run(app, host=os.getenv("HOST", "127.0.0.1"), port=int(os.getenv("PORT", "7860")))
