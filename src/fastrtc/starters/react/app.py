"""The server: the stream and the built page. For development, `python dev.py` runs it."""

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

PAGE = Path(__file__).parent / "frontend" / "dist"
if PAGE.is_dir():  # after `npm run build`
    app.mount("/", StaticFiles(directory=PAGE, html=True))

if __name__ == "__main__":
    uvicorn.run(app, host=os.getenv("HOST", "127.0.0.1"), port=int(os.getenv("PORT", "7860")))
