"""Sessions that are resumed over a WebSocket, whose network is cut."""

import asyncio
from typing import Any

import numpy as np
import pytest

from fastrtc import Context, client
from fastrtc.audio.encodings import ENCODINGS
from fastrtc.client.errors import ClientError
from tests.support.connections import connections_of
from tests.websocket.served import Client, Echo, Served, serve, wait_until

RATE = 24000
AUDIO = {
    "encoding": "pcm16",
    "binary": True,
    "input_sample_rate": RATE,
    "output_sample_rate": RATE,
}
REFUSED = {"status": "failed", "meta": {"error": "resume_refused"}}


class Ramp(Echo):
    """Says a ramp of 3 s, whose value tells the time in samples of 8 kHz."""

    async def receive(self, frame: Any) -> None: ...

    async def start_up(self) -> None:
        ramp = np.arange(3 * RATE) // 3
        for chunk in np.split(ramp.astype(np.int16), 30):
            self.heard.put_nowait((RATE, chunk[np.newaxis]))

    async def on_message(self, message: dict[str, Any]) -> None:
        self.options.setdefault("got", []).append(message["data"])


async def begin(client: Client, **fields: Any) -> dict[str, Any]:
    """Start, and return the first message of the server."""
    await client.send({"event": "start", "websocket_id": "a", "audio": AUDIO, **fields})
    client.encoding = ENCODINGS["pcm16"]
    await client.wait(lambda: client.messages)
    return client.messages[0]


async def cut(client: Client) -> None:
    """Lose the network, as far as the server can see."""
    client.socket.transport.abort()
    await client.socket.wait_closed()


async def test_a_client_goes_on_with_the_same_handler_at_the_right_sample() -> None:
    contexts: list[Context] = []
    ramp = Ramp(rate=RATE)
    async with serve(ramp, on_reconnect=contexts.append, resume_within_s=20) as served:
        async with served.client() as first:
            secret = (await begin(first, resume=True))["resume"]["secret"]
            handler = await served.handler()
            await first.send({"type": "text", "data": 1})
            heard = await first.hear(0.5)
            await wait_until(lambda: handler.options.get("got") == [1])
            await cut(first)
        context = served.stream.handlers  # the session stays
        await asyncio.sleep(0.1)
        assert context == {"a": handler}
        connected = connections(served)["a"].session.user_context
        connected.send({"type": "missed"})

        async with served.client(additional_headers={"x-second": "yes"}) as second:
            count = len(heard) - 700
            answer = await begin(second, resume=secret, received=0, heard=count)
            told = answer["resume"]
            assert told["resumed"] is True
            assert told["received"] == 1
            assert told["secret"] != secret
            await second.wait_for(type="missed")
            rest = await second.hear(1.0)
            assert handler.shutdowns == 0
            assert len(ramp.copies) == 1
            await wait_until(lambda: contexts)
            assert contexts[0].request is not None
            assert contexts[0].request.headers["x-second"] == "yes"
            both = np.concatenate([heard[:count], rest])
            np.testing.assert_array_equal(both, (np.arange(len(both)) // 3).astype(np.int16))
            await second.send({"event": "stop"})
        await served.is_empty()
        assert handler.shutdowns == 1


async def test_only_the_newest_secret_of_a_session_is_worth_something() -> None:
    async with serve(Ramp(rate=RATE), resume_within_s=20) as served, served.client() as first:
        secret = (await begin(first, resume=True))["resume"]["secret"]
        handler = await served.handler()
        async with served.client() as second:
            async with served.client() as unheard:  # whose answer may be lost
                await begin(unheard, resume=secret)
                await cut(unheard)
            newer = (await begin(second, resume=secret))["resume"]["secret"]
            await second.send({"type": "text", "data": 1})
            await wait_until(lambda: handler.options.get("got") == [1])
            # the first one was evicted
            assert (await first.wait_for(type="end_stream"))["code"] == "replaced"
            assert await first.closed() == 1000
            for id, wrong in (("a", secret), ("a", newer[:-1]), ("a", "x"), ("b", newer)):
                async with served.client() as other:
                    message = await begin(other, resume=wrong, websocket_id=id)
                    assert message == REFUSED
                    assert await other.closed() == 1008
                    assert other.audio == []
            assert served.stream.handlers["a"] is handler
            await second.send({"event": "stop"})
        await served.is_empty()
        async with served.client() as late:
            assert await begin(late, resume=newer) == REFUSED


@pytest.mark.parametrize("asks", [True, False])
async def test_a_client_that_does_not_return_loses_its_session(asks: bool) -> None:
    loop, ended = asyncio.get_running_loop(), []
    async with serve(
        Ramp(rate=RATE),
        resume_within_s=0.3 if asks else 30,
        on_disconnect=lambda context, end: ended.append((loop.time(), end.code)),
    ) as served:
        async with served.client() as first:
            message = await begin(first, **({"resume": True} if asks else {}))
            assert ("resume" in message) is asks
            handler = await served.handler()
            cut_at = loop.time()
            await cut(first)
        await served.is_empty()
        await wait_until(lambda: ended)
        assert handler.shutdowns == 1
        ((ended_at, code),) = ended
        assert code == "closed"
        if asks:
            assert ended_at - cut_at > 0.29  # the clock of uvloop has milliseconds


async def test_a_stream_may_turn_it_off_and_a_start_may_be_malformed() -> None:
    async with serve(resume_within_s=0) as served:
        async with served.client() as first:
            assert "resume" not in await begin(first, resume=True)
        async with served.client() as second:
            await second.send({"event": "start", "websocket_id": "a", "resume": True})
            assert "resume needs audio" in (await second.wait_for(type="error"))["data"]
            message = await begin(second, resume=1)
            assert message["type"] == "error"


async def test_a_normal_close_ends_the_session_at_once() -> None:
    async with serve(resume_within_s=30) as served:
        async with served.client() as first:
            await begin(first, resume=True)
            handler = await served.handler()
        await served.is_empty()
        assert handler.shutdowns == 1


async def test_a_token_is_accepted_again_by_its_session_only() -> None:
    async with serve(Ramp(rate=RATE), resume_within_s=30) as served:
        tokens = served.stream.tokens("0123456789abcdef")
        headers = {"Authorization": f"Bearer {tokens.issue(ttl=60)}"}
        other = {"Authorization": f"Bearer {tokens.issue(ttl=60)}"}
        async with served.client(additional_headers=headers) as first:
            secret = (await begin(first, resume=True))["resume"]["secret"]
            await cut(first)
        async with served.client(additional_headers=headers) as second:
            secret = (await begin(second, resume=secret))["resume"]["secret"]
            await cut(second)
        async with served.client(additional_headers=other) as third:
            secret = (await begin(third, resume=secret))["resume"]["secret"]
        async with served.client(additional_headers=other) as again:
            message = await begin(again, websocket_id="b")
            assert message["meta"]["error"] == "unauthorized"


async def test_the_python_client_returns_by_itself() -> None:
    ramp = Ramp(rate=RATE)
    async with serve(ramp, resume_within_s=20) as served:
        address = served.address.replace("ws", "http", 1)
        async with client.Client(
            address, "websocket", resume=True, sample_rate=RATE, mode="receive"
        ) as caller:
            heard = [chunk.samples async for chunk in first(caller.audio(), 20)]
            caller.send({"type": "text", "data": "before"})
            link = caller._link._link  # type: ignore[attr-defined]
            link._socket.transport.abort()
            kinds = [message["type"] async for message in first(caller.messages(), 1)]
            caller.send({"type": "text", "data": "meanwhile"})
            heard += [chunk.samples async for chunk in first(caller.audio(), 60)]
            kinds += [message["type"] async for message in first(caller.messages(), 1)]
            assert kinds == ["reconnecting", "reconnected"]
            caller.send({"type": "text", "data": "after"})
            (handler,) = ramp.copies
            await wait_until(lambda: len(handler.options.get("got", ())) == 3)
            assert handler.options["got"] == ["before", "meanwhile", "after"]
            samples = np.concatenate(heard)
            np.testing.assert_array_equal(samples, (np.arange(len(samples)) // 3).astype(np.int16))
            assert caller.error is None
        await served.is_empty()
        assert handler.shutdowns == 1


async def test_the_python_client_gives_up_when_the_session_is_gone() -> None:
    async with serve(Ramp(rate=RATE), resume_within_s=20) as served:
        address = served.address.replace("ws", "http", 1)
        async with client.Client(address, "websocket", resume=True) as caller:
            id = caller.id
            await served.handler(id)
            link = caller._link._link  # type: ignore[attr-defined]
            connections(served)[id].session.resumption.secrets.issue()  # another one
            link._socket.transport.abort()
            error = await asyncio.wait_for(caller.wait_closed(), 20)
            assert isinstance(error, ClientError)
            assert error.code == "connection_lost"
            connections(served)[id].session.close("enough")


async def first(items: Any, count: int) -> Any:
    """Yield the first items."""
    async for item in items:
        yield item
        count -= 1
        if not count:
            return


def connections(served: Served) -> dict[str, Any]:
    return {one.id: one for one in connections_of(served.stream).endpoint.places}
