import os

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import ReplyOnPause, Stream, Transcript, get_current_context

PRICES = {"tea": 2.5, "coffee": 3.0}
POLICY = "default-src 'self'; script-src 'self' blob:; connect-src 'self'"


def echo(audio):
    yield audio


async def on_message(message):
    if message["type"] == "order":
        context = get_current_context()
        place = await context.call("location", {"exact": False})
        context.send(Transcript(f"Your {message['data']} comes to {place}."))


stream = Stream(
    ReplyOnPause(echo),
    modality="audio",
    mode="send-receive",
    on_message=on_message,
)
tokens = stream.tokens(os.environ["TOKEN_SECRET"])


@stream.method
def price_of(data):
    return PRICES[data["item"]]


app = FastAPI()
stream.mount(app)
app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))
app.mount("/page", StaticFiles(directory="page"))


@app.get("/token")
def token():
    return {"token": tokens.issue(user="from the session of your web app", ttl=30)}


@app.get("/")
def page():
    return FileResponse("page/index.html", headers={"Content-Security-Policy": POLICY})
