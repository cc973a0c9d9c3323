from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")

app = FastAPI()
stream.mount(app)


@app.get("/")
def page():
    return HTMLResponse(Path("index.html").read_text())


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=8000)  # or: uvicorn mount:app
