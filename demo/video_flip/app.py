"""Video flip: your camera's picture comes back upside down."""

from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import Stream


def flip(frame):
    """Take a picture, give a picture: BGR, uint8, shape (height, width, 3)."""
    return np.flip(frame, axis=0)


stream = Stream(
    flip,
    modality="video",
    mode="send-receive",
    concurrency_limit=100,
    # Page and server run on one machine here, so no STUN server is needed to find the way.
    server_rtc_configuration={"iceServers": []},
)

HERE = Path(__file__).parent
app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))  # the client core
app.mount("/shared", StaticFiles(directory=HERE.parent / "shared"))


@app.get("/", include_in_schema=False)
def page():
    return FileResponse(HERE / "index.html")


if __name__ == "__main__":
    import os

    port = int(os.getenv("PORT", "7860"))
    if os.getenv("MODE") == "UI":
        stream.ui.launch(server_port=port)
    else:
        import uvicorn

        uvicorn.run(app, port=port)
