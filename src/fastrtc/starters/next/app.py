"""The server of the stream; the page is that of Next.js. `python dev.py` runs both."""

import os

import uvicorn
from fastapi import FastAPI
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

app = FastAPI()
stream.mount(app)

if __name__ == "__main__":
    uvicorn.run(app, host=os.getenv("HOST", "127.0.0.1"), port=int(os.getenv("PORT", "7860")))
