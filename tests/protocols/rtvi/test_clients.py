"""An RTVI client: its messages, its mistakes, its screen, and its further offers."""

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from fastrtc import AsyncStreamHandler, ReplyOnPause, Stream, get_current_context
from fastrtc.handlers.inputs import WebRTCData
from tests.protocols.rtvi.peer import RTVIPeer
from tests.support.connections import places
from tests.support.peers import LOCAL, AudioSource, VideoSource, eventually, tone
from tests.support.servers import serving
from tests.webrtc.handlers import frequency, is_red_on_top

SECRET = "a secret of twenty bytes"


class Program(AsyncStreamHandler):
    """Notes what it is given, and answers."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=24000)
        self.heard: list[np.ndarray] = []
        self.given: list[Any] = []
        self.screens: list[np.ndarray] = []
        self.spoken: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> "Program":
        return Program()

    async def start_up(self) -> None:
        context = get_current_context()
        context.send({"type": "hello", "data": [context.user, context.metadata]})

    async def receive(self, frame: Any) -> None:
        self.heard.append(frame[1].reshape(-1))

    async def emit(self) -> Any:
        return await self.spoken.get()

    async def on_message(self, message: dict[str, Any]) -> None:
        self.given.append(message)
        if message["type"] == "ask":
            result = await get_current_context().call("show", {"day": "monday"})
            get_current_context().send({"type": "shown", "data": result})

    async def receive_dtmf(self, digit: str) -> None:
        self.given.append(digit)

    async def screen_receive(self, picture: np.ndarray) -> None:
        self.screens.append(picture)


async def test_messages_mistakes_and_the_screen() -> None:
    stream = Stream(Program(), modality="audio", mode="send-receive", verbose=False)
    stream.server_rtc_configuration = LOCAL
    stream.method("add")(lambda numbers: sum(numbers))
    app = FastAPI()
    stream.mount(app, "/bot", protocols=["rtvi"])
    with serving(app) as url:
        async with httpx.AsyncClient() as http:
            peer = RTVIPeer(http, f"{url}/bot/api/offer", AudioSource(tone(30)), VideoSource())
            answer = await peer.offer(trickle=True, requestData={"plan": "pro"})
            assert answer.status_code == 200, answer.text
            assert (await peer.trickle()).json() == {"status": "success"}
            (handler,) = stream.handlers.values()
            await eventually(lambda: handler.heard)
            assert not peer.received  # before client-ready

            ready = await peer.ready()
            assert ready["type"] == "bot-ready" and ready["data"]["version"] == "2.1.0"
            hello = await peer.message("server-message")
            assert hello["data"] == {"type": "hello", "data": [None, {"plan": "pro"}]}

            sum_ = await peer.request("client-message", {"t": "add", "d": [1, 2]})
            assert (sum_["type"], sum_["data"]) == ("server-response", {"t": "add", "d": 3})
            failed = await peer.request("client-message", {"t": "add", "d": 7})
            assert failed["type"] == "error-response" and "int" in failed["data"]["error"]
            noted = await peer.request("client-message", {"t": "note", "d": 1})
            assert (noted["type"], noted["data"]) == ("server-response", {"t": "note", "d": None})
            await peer.request("client-message", {"t": 7})
            assert handler.given == [{"type": "note", "data": 1}]

            peer.send("client-message", {"t": "ask"})
            call = (await peer.message("llm-function-call-in-progress"))["data"]
            assert (call["function_name"], call["arguments"]) == ("show", {"day": "monday"})
            peer.send("llm-function-call-result", {**call, "result": ["dentist"]})
            stopped = (await peer.message("llm-function-call-stopped"))["data"]
            assert (stopped["function_name"], stopped["result"]) == ("show", ["dentist"])
            shown = await peer.message("server-message")
            assert shown["data"] == {"type": "shown", "data": ["dentist"]}

            peer.send("send-text", {"content": "hi", "options": {"run_immediately": False}})
            peer.send("dtmf", {"buttons": ["1", "#"]})
            peer.send("dtmf", {"button": "2"})
            peer.send("ui-event", {"event": "click"})
            clicked = {"type": "ui-event", "data": {"event": "click"}}
            await eventually(lambda: "2" in handler.given and clicked in handler.given)
            assert [one for one in handler.given if isinstance(one, str)] == ["1", "#", "2"]
            assert any("hi" in str(one) for one in handler.given)

            for wrong in ("hello", "[]", '{"type": 7}', '{"type": "signalling"}', "x" * 70_000):
                peer.channel.send(wrong)
                assert (await peer.message("error"))["data"]["fatal"] is False
            for kind, data in (
                ("dtmf", {"buttons": ["A"]}),
                ("send-text", {"content": 7}),
                ("llm-function-call-result", {}),
                ("client-message", []),
            ):
                assert (await peer.request(kind, data))["type"] == "error-response"
            peer.channel.send("ping: 1")

            assert "a=recvonly" in answer.json()["sdp"]  # the screen
            await eventually(lambda: any(map(is_red_on_top, handler.screens)))
            count = len(handler.heard)
            await eventually(lambda: len(handler.heard) > count + 50)
            heard = np.concatenate(handler.heard)[-12000:]
            assert frequency(heard, 24000) == pytest.approx(440, abs=5)

            peer.send("disconnect-bot")
            await eventually(lambda: places(stream) == 0)
            await peer.close()


async def test_further_offers_tokens_and_the_end() -> None:
    def reply(data: WebRTCData, more: str = "") -> Any:
        get_current_context().send({"type": "typed", "data": data.textbox})
        yield 24000, tone(0.2)[::2]

    stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive", verbose=False)
    stream.server_rtc_configuration = LOCAL
    tokens = stream.tokens(SECRET)
    app = FastAPI()
    stream.mount(app, protocols=["rtvi"])
    with serving(app) as url:
        async with httpx.AsyncClient() as http:
            first = RTVIPeer(http, f"{url}/api/offer", AudioSource())
            refused = await first.offer()
            assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
            headers = {"Authorization": f"Bearer {tokens.issue(user='anna')}"}
            assert (await first.offer(headers=headers)).status_code == 200
            await first.ready()
            first.send("send-text", {"content": "good morning"})
            assert (await first.message("server-message"))["data"]["data"] == "good morning"
            await first.message("bot-started-speaking")
            await first.message("bot-stopped-speaking")

            # The same peer connection negotiates again: nothing changes.
            (id,) = stream.handlers
            again = await first.offer(headers=headers)
            assert again.json()["pc_id"] == id and stream.handlers.keys() == {id}
            unknown = await first.request("client-message", {"t": "x"})
            assert unknown["type"] == "error-response"

            # A new one takes its place, with the same id and token: the session goes on.
            handler = stream.handlers[id]
            second = RTVIPeer(http, f"{url}/api/offer", AudioSource())
            full = await second.offer(headers=headers, pc_id=None)
            assert full.status_code in (401, 503)  # no place, and the token was used
            restarted = await second.offer(headers=headers, pc_id=id, restart_pc=True)
            assert restarted.json()["pc_id"] == id, restarted.text
            await eventually(lambda: second.channel.readyState == "open")
            unknown = await second.request("client-message", {"t": "x"})
            assert unknown["type"] == "error-response"
            second.send("send-text", {"content": "good night"})
            assert (await second.message("server-message"))["data"]["data"] == "good night"
            await second.message("bot-started-speaking")
            await eventually(lambda: first.pc.connectionState == "closed")
            assert stream.handlers == {id: handler}
            assert not any(one["type"] == "signalling" for one in first.received)

            await asyncio.to_thread(asyncio.run, _closed(stream, id))
            told = await second.message("server-message")
            assert told["data"]["type"] == "end_stream"
            left = await second.message("signalling")
            assert left["message"] == {"type": "peerLeft"}
            for peer in (first, second):
                await peer.close()


async def _closed(stream: Stream, id: str) -> None:
    assert await stream.close(id, "enough")
