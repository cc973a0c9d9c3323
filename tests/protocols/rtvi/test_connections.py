"""Offers with the id of a connection that they replace; none of the peers connects."""

from __future__ import annotations

import re
import threading
from typing import Any

import httpx
from fastapi import FastAPI

from fastrtc import Stream, get_current_context
from fastrtc.server.endpoint import endpoint_of
from tests.support.cluster import running, streams_of
from tests.support.peers import LOCAL
from tests.transport.webrtc.offers import offer
from tests.webrtc.handlers import AsyncAudioEcho

SDP = re.sub("a=(candidate:|end-of-candidates).*\r\n", "", offer("audio"))
OTHER = SDP.replace("a=ice-ufrag:", "a=ice-ufrag:other")
"""An offer of another peer connection."""


class Program(AsyncAudioEcho):
    """Knows its user."""

    user: Any = None

    def copy(self) -> Program:
        program = Program()
        program.user = get_current_context().user
        return program


def client(stream: Stream) -> httpx.AsyncClient:
    app = FastAPI()
    stream.mount(app, protocols=["rtvi"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_token_is_for_one_established_connection() -> None:
    stream = Stream(
        Program(),
        modality="audio",
        mode="send-receive",
        concurrency_limit=2,
        server_rtc_configuration=LOCAL,
        resume_within_s=0,
        verbose=False,
    )
    tokens, endpoint = stream.tokens("a secret of twenty bytes"), endpoint_of(stream)
    first, second = tokens.issue(user="anna"), tokens.issue(user="bert")
    async with client(stream) as http:

        async def post(token: str, **fields: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}"}
            body = {"sdp": OTHER, "type": "offer", "restart_pc": True, **fields}
            return await http.post("/api/offer", json=body, headers=headers)

        async def replaced(token: str) -> bool:
            """Offer to replace the connection; return whether it was."""
            connection = endpoint.get(id)
            answer = await post(token, pc_id=id)
            found = endpoint.get(id)
            assert connection is not None and found is not None
            assert answer.status_code == (401 if found is connection else 200), answer.text
            assert answer.status_code == 401 or answer.json()["pc_id"] == id
            return found is not connection

        id = (await post(first, sdp=SDP)).json()["pc_id"]
        other = (await post(second)).json()["pc_id"]
        before = endpoint.get(id)
        for sdp in ("v=0", OTHER.replace("a=ice-pwd:", "a=x:")):
            assert (await post(first, sdp=sdp, pc_id=id)).status_code == 400
        assert endpoint.get(id) is before  # it is not ended for an offer that is malformed

        assert await replaced(first)  # it was never established
        assert not await replaced(second)  # which made another connection
        connection = endpoint.get(id)
        assert connection is not None and connection.session.handler.user == "anna"
        connection.session.start()
        assert not await replaced(first)
        assert await replaced(tokens.issue(user="anna"))
        for one in (id, other):
            await stream.close(one, "enough")


async def test_the_owner_need_not_get_the_user() -> None:
    one, two = streams_of(
        2, AsyncAudioEcho(), mode="send-receive", authorize=lambda _: threading.Lock()
    )
    here, there = client(one), client(two)
    async with running(one, two), here, there:
        body = {"sdp": SDP, "type": "offer"}
        id = (await here.post("/api/offer", json=body)).json()["pc_id"]
        again = await there.post("/api/offer", json={**body, "sdp": "v=0", "pc_id": id})
        assert again.status_code == 400, again.text  # as the owner says
        assert one.handlers.keys() == {id}
        answer = await there.post("/api/offer", json={**body, "sdp": OTHER, "pc_id": id})
        assert answer.json()["pc_id"] == id and two.handlers.keys() == {id}, answer.text
