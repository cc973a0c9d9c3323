import os
from urllib.parse import quote

import httpx

from fastrtc import ReplyOnPause, Stream
from fastrtc.telephony import Telnyx

API = os.getenv("TELNYX_API", "https://api.telnyx.com/v2")


class CallControl(Telnyx):
    async def hang_up(self, call):
        headers = {"Authorization": f"Bearer {os.environ['TELNYX_API_KEY']}"}
        async with httpx.AsyncClient(headers=headers) as http:
            answer = await http.post(f"{API}/calls/{quote(call.id or '', safe='')}/actions/hangup")
        if answer.status_code != 422:  # 422: the call has already ended
            answer.raise_for_status()


def echo(audio):
    yield audio


stream = Stream(
    ReplyOnPause(echo), modality="audio", mode="send-receive", phone_providers=[CallControl]
)
