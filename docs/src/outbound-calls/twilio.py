import os
import secrets

import httpx
from fastapi import FastAPI, Header, HTTPException

from fastrtc import ReplyOnPause, Stream, get_tts_model

API = os.getenv("TWILIO_API", "https://api.twilio.com")
HOST = os.getenv("PUBLIC_HOST", "calls.example.org")  # where Twilio reaches this program
ACCOUNT, TOKEN = os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"]

voice = get_tts_model("espeak")


def greeting():
    yield from voice.stream_tts_sync("Hello. I say again what you say.")


def reply(audio):
    yield audio


stream = Stream(
    ReplyOnPause(reply, startup_fn=greeting),
    modality="audio",
    mode="send-receive",
    concurrency_limit=5,
    twilio_auth_token=TOKEN,
)
app = FastAPI()
stream.mount(app)


async def call(to, from_):
    url = f"{API}/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    order = {"To": to, "From": from_, "Url": f"https://{HOST}/telephone/incoming"}
    async with httpx.AsyncClient(auth=(ACCOUNT, TOKEN)) as http:
        answer = await http.post(url, data=order)
    answer.raise_for_status()
    return answer.json()["sid"]


@app.post("/call")
async def start_call(to: str, from_: str, key: str = Header()):
    if not secrets.compare_digest(key.encode(), os.environ["CALL_KEY"].encode()):
        raise HTTPException(403)  # calls cost money
    return {"sid": await call(to, from_)}
