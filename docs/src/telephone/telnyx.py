import os

import httpx

from fastrtc import ReplyOnPause, Stream, get_current_context

API = os.getenv("TELNYX_API", "https://api.telnyx.com/v2")


def echo(audio):
    yield audio


class Assistant(ReplyOnPause):
    async def shutdown(self):
        await super().shutdown()
        call = get_current_context().call
        if call is not None:
            async with httpx.AsyncClient() as http:
                await http.post(
                    f"{API}/calls/{call.id}/actions/hangup",
                    headers={"Authorization": f"Bearer {os.environ['TELNYX_API_KEY']}"},
                )


stream = Stream(Assistant(echo), modality="audio", mode="send-receive")
