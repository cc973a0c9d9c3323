import os

import httpx
from fastapi import FastAPI, Response

from fastrtc import ReplyOnPause, Stream

API = os.getenv("PLIVO_API", "https://api.plivo.com/v1")
HOST = os.getenv("PUBLIC_HOST", "calls.example.org")
SECRET = os.getenv("CALL_SECRET", "a-long-random-text")


def reply(audio):
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
app = FastAPI()
stream.mount(app, path=f"/{SECRET}")


@app.post(f"/{SECRET}/answer")
async def answered():
    xml = f"""<Response>
      <Stream bidirectional="true" keepCallAlive="true"
              contentType="audio/x-mulaw;rate=8000">
        wss://{HOST}/{SECRET}/telephone/handler
      </Stream>
    </Response>"""
    return Response(xml, media_type="application/xml")


async def call(to, from_):
    account, token = os.environ["PLIVO_AUTH_ID"], os.environ["PLIVO_AUTH_TOKEN"]
    order = {
        "to": to,
        "from": from_,
        "answer_url": f"https://{HOST}/{SECRET}/answer",
        "answer_method": "POST",
    }
    async with httpx.AsyncClient(auth=(account, token)) as http:
        answer = await http.post(f"{API}/Account/{account}/Call/", json=order)
    answer.raise_for_status()
    return answer.json()["request_uuid"]
