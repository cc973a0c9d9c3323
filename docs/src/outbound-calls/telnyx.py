import os

import httpx
from fastapi import FastAPI

from fastrtc import ReplyOnPause, Stream

API = os.getenv("TELNYX_API", "https://api.telnyx.com/v2")
HOST = os.getenv("PUBLIC_HOST", "calls.example.org")
SECRET = os.getenv("CALL_SECRET", "a-long-random-text")


def reply(audio):
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
app = FastAPI()
stream.mount(app, path=f"/{SECRET}")  # keeps the address of the socket secret


async def call(to, from_, connection_id):
    order = {
        "to": to,
        "from": from_,
        "connection_id": connection_id,  # of the Call Control application
        "stream_url": f"wss://{HOST}/{SECRET}/telephone/handler",
        "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "PCMU",
    }
    headers = {"Authorization": f"Bearer {os.environ['TELNYX_API_KEY']}"}
    async with httpx.AsyncClient(headers=headers) as http:
        answer = await http.post(f"{API}/calls", json=order)
    answer.raise_for_status()
    return answer.json()["data"]["call_control_id"]
