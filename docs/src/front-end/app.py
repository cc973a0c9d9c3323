import mimetypes

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import ReplyOnPause, Stream


def echo(audio):
    yield audio


stream = Stream(ReplyOnPause(echo), modality="audio", mode="send-receive")

mimetypes.add_type("text/javascript", ".js")  # the registry of Windows may have another type

app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["http://localhost:5173", "http://localhost:3000"],
    allow_methods=["POST"],
    allow_headers=["Authorization", "Content-Type"],
)
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))


@app.get("/")
def page():
    return FileResponse("index.html")
