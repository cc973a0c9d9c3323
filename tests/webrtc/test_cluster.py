"""Requests that reach another process than the one that has the connection."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastrtc import AdditionalOutputs, AsyncStreamHandler, ReplyOnPause
from fastrtc.core.errors import HandlerError, NoVoice
from fastrtc.core.identity import ClientRequest, Identity, current_identity
from fastrtc.handlers.link import link_of
from fastrtc.server.cluster.remote_speech import encode_speech
from fastrtc.server.endpoint import endpoint_of
from tests.support.cluster import (
    FailingDirectory,
    node_of,
    running,
    streams_of,
)
from tests.support.connections import connections_of, left
from tests.support.models import Energy
from tests.support.peers import AudioSource, Client, eventually, strip_candidates, tone
from tests.webrtc.handlers import AsyncAudioEcho


class Inputs(AsyncStreamHandler):
    """Keeps its inputs, and puts each into an output."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []
        self.out: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> "Inputs":
        return Inputs()

    def set_args(self, args: list[Any]) -> None:
        super().set_args(args)
        self.got.append(args)

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return AdditionalOutputs(await self.out.get())


async def trickle(client: Client, stream: Any) -> list[Any]:
    """Send the candidates of a client to a stream, and return the answers."""
    answers = []
    before, client.stream = client.stream, stream
    for text, mid, index in client.candidates():
        candidate = {"candidate": text, "sdpMid": mid, "sdpMLineIndex": index}
        body = {"candidate": candidate, "type": "ice-candidate", "webrtc_id": client.webrtc_id}
        answers.append(await client.post(body))
    client.stream = before
    return answers


async def take_without_candidates(client: Client, answer: dict[str, str]) -> None:
    """Only the server learns candidates, so only it can connect."""
    assert answer.get("type") == "answer", answer
    await client.take({**answer, "sdp": strip_candidates(answer["sdp"])})


async def elsewhere(client: Client, stream: Any) -> None:
    """Take the answer of another node than that the client talks to."""
    client.stream = stream
    await client.take(client.response)


# Without a cluster


# Offers


async def test_an_offer_at_a_full_node_is_answered_by_another():
    full, free = streams_of(2, AsyncAudioEcho(), concurrency_limit=1)
    async with running(full, free), Client(full, audio=AudioSource(tone(5))) as first:
        assert first.response["type"] == "answer"
        second = Client(full, audio=AudioSource(tone(5)))
        second.response = await second.post(await second.offer())
        await elsewhere(second, free)
        await second.state("connected")
        await eventually(lambda: second.loud())

        assert len(connections_of(full).registry) == len(connections_of(free).registry) == 1
        third = Client(full, audio="recvonly")
        assert (await third.call())["meta"] == {"error": "concurrency_limit_reached", "limit": 1}
        await third.close()
        await second.close()
        await second.over()


async def test_a_node_that_has_just_started_has_places_for_others():
    full, new = streams_of(2, AsyncAudioEcho(), concurrency_limit=1)
    await endpoint_of(full).cluster.start()
    async with running(new), running(full), Client(full, audio=AudioSource(tone(5))):
        node_of(full)._update_nodes([node_of(full).record])  # as before its next heartbeat
        client = Client(full, audio=AudioSource(tone(5)))
        answer = await client.post(await client.offer())
        assert answer.get("type") == "answer", answer
        client.response = answer
        await elsewhere(client, new)
        await client.state("connected")
        await client.close()
        await client.over()


async def test_the_same_id_is_served_once_in_the_cluster():
    one, two = streams_of(2, AsyncAudioEcho())
    async with running(one, two):
        clients = [Client(s, audio="recvonly", webrtc_id="same") for s in (one, two)]
        offers = [await client.offer() for client in clients]
        answers = await asyncio.gather(*(c.post(o) for c, o in zip(clients, offers, strict=True)))
        kinds = sorted(a.get("type") or a["meta"]["error"] for a in answers)
        assert kinds == ["answer", "connection_already_exists"]
        for client in clients:
            await client.close()


async def test_an_id_can_be_used_again_on_any_node_once_its_place_is_free():
    one, two = streams_of(2, AsyncAudioEcho())
    async with running(one, two):
        for stream in (one, two, one, one):
            async with Client(stream, audio="recvonly", webrtc_id="again") as client:
                places = connections_of(stream).registry
                stream.clean_up(client.webrtc_id)
                await eventually(lambda places=places: "again" not in places)
        await eventually(
            lambda: not node_of(one).owned._releasing and not node_of(two).owned._releasing
        )


async def test_a_draining_node_sends_offers_to_another():
    draining, free = streams_of(2, AsyncAudioEcho())
    async with running(draining, free):
        connections_of(draining).registry.stopping = True
        node_of(draining).announce()
        client = Client(draining, audio="recvonly")
        client.response = await client.post(await client.offer())
        await elsewhere(client, free)
        await client.state("connected")

        # and no other node sends it one
        await eventually(lambda: node_of(free)._nodes[node_of(draining).id].draining)
        other = Client(free, audio="recvonly")
        assert (await other.call())["meta"]["error"] == "concurrency_limit_reached"
        await other.close()
        await client.close()
        await client.over()
        connections_of(draining).registry.stopping = False


async def test_a_malformed_offer_is_refused_where_it_arrives():
    one, two = streams_of(2, AsyncAudioEcho())
    async with running(one, two):
        with pytest.raises(ValueError):
            await one.handle_offer(
                {"sdp": "v=0", "type": "offer", "webrtc_id": "x"}, set_outputs=print
            )
        assert left(one) == left(two) == 0


# Candidates


async def test_candidates_at_another_node_reach_the_connection():
    owner, other = streams_of(2, AsyncAudioEcho())
    async with running(owner, other):
        client = Client(owner, audio=AudioSource(tone(5)))
        answer = await client.post(await client.offer(trickle=True))
        await take_without_candidates(client, answer)
        answers = await trickle(client, other)
        assert answers and all(one == {"status": "success"} for one in answers)
        await client.state("connected")
        await client.close()
        await client.over()


async def test_candidates_at_another_node_wait_for_their_offer():
    owner, other = streams_of(2, AsyncAudioEcho())
    async with running(owner, other):
        client = Client(owner, audio=AudioSource(tone(5)))
        offer = await client.offer(trickle=True)
        answers = await trickle(client, other)
        assert answers and all(one == {"status": "success"} for one in answers)
        await take_without_candidates(client, await client.post(offer))
        await client.state("connected")
        await client.close()
        await client.over()


async def test_a_candidate_that_overtakes_its_offer_within_the_owner_is_kept():
    class Slow(FailingDirectory):
        """Answers where a connection is when the test lets it."""

        def __init__(self) -> None:
            super().__init__()
            self.answers = asyncio.Event()

        async def find(self, *args: Any, **options: Any) -> str | None:
            await self.answers.wait()
            return await super().find(*args, **options)

    directory = Slow()
    (owner,) = streams_of(1, AsyncAudioEcho(), directory)
    async with running(owner):
        client = Client(owner, audio=AudioSource(tone(5)))
        offer = await client.offer(trickle=True)
        trickling = asyncio.create_task(trickle(client, owner))
        await asyncio.sleep(0)
        answer = await client.post(offer)
        directory.answers.set()
        answers = await trickling
        assert answers and all(one == {"status": "success"} for one in answers)
        await take_without_candidates(client, answer)
        await client.state("connected")
        await client.close()
        await client.over()


async def test_candidates_follow_an_offer_that_a_stopping_process_refuses():
    class Stops(AsyncAudioEcho):
        """Lets the process that got the offer stop while it makes the connection."""

        def copy(self) -> AsyncAudioEcho:
            places = connections_of(first).registry
            copies.append(not places.stopping)
            places.stopping = True
            return AsyncAudioEcho()

    copies: list[bool] = []
    first, other = streams_of(2, Stops())
    async with running(first, other):
        client = Client(first, audio=AudioSource(tone(5)))
        offer = await client.offer(trickle=True)
        answers = await trickle(client, first)
        assert answers and all(one == {"status": "success"} for one in answers)
        answer = await client.post(offer)
        assert copies == [True, False]
        connection = connections_of(other).endpoint.get(client.webrtc_id)
        sent = [one.type for one in connection.transport.diagnose().remote]
        assert set(sent) == {"host"}
        await take_without_candidates(client, answer)
        await client.state("connected")
        await client.close()
        connections_of(first).registry.stopping = False


async def test_candidates_for_an_ended_connection_are_refused_everywhere():
    owner, other = streams_of(2, AsyncAudioEcho())
    async with running(owner, other):
        async with Client(owner, audio="recvonly") as client:
            pass
        assert (await trickle(client, owner))[0]["meta"]["error"] == "connection_closed"


# Inputs


async def test_inputs_at_another_node_reach_the_handler_in_order():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        id = client.webrtc_id
        for number in range(50):
            other.set_input(id, number)  # on the event loop
        handler = owner.handlers[id]
        await eventually(lambda: len(handler.got) == 50)
        assert [args for args in handler.got] == [[number] for number in range(50)]


async def test_set_input_in_a_thread_waits_for_the_owner():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        await asyncio.to_thread(other.set_input, client.webrtc_id, "now", np.ones(3))
        (args,) = owner.handlers[client.webrtc_id].got
        assert args[0] == "now" and args[1].tolist() == [1, 1, 1]

        with pytest.raises(ValueError, match="args cannot be empty"):
            await asyncio.to_thread(other.set_input, client.webrtc_id)
        await asyncio.to_thread(other.set_input, "unknown", 1)


async def test_a_reply_is_interrupted_from_another_node():
    def greet() -> Any:
        yield 24_000, tone(10)

    owner, other = streams_of(2, ReplyOnPause(greet, greet, model=Energy()))
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        handler = owner.handlers[client.webrtc_id]
        await eventually(lambda: link_of(handler).queued_s() > 5)
        await asyncio.to_thread(other.interrupt, client.webrtc_id)
        assert link_of(handler).queued_s() < 1
        await client.message("interrupted")
        await asyncio.to_thread(other.interrupt, "unknown")


class Voice:
    """Speaks each text as a tone of a second."""

    def tts(self, text: str, options: Any = None) -> Any:
        return 24_000, tone(1)

    def stream_tts_sync(self, text: str, options: Any = None) -> Any:
        yield self.tts(text)

    async def stream_tts(self, text: str, options: Any = None) -> Any:
        yield self.tts(text)


async def test_speech_is_said_from_another_node():
    owner, other = streams_of(2, Inputs(), voice=Voice())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        id = client.webrtc_id
        on_the_loop = [
            other.say(id, "Hello"),
            other.say(id, (24_000, tone(0.5).astype("f4") / 9e9)),
        ]
        assert not on_the_loop[0].done
        assert await on_the_loop[0]
        assert await on_the_loop[1]
        assert client.loud()

        stereo = np.stack([tone(1), tone(1)])
        in_a_thread = await asyncio.to_thread(other.say, id, (24_000, stereo))
        assert await asyncio.to_thread(in_a_thread.wait)

        long_one, waiting = other.say(id, (24_000, tone(20))), other.say(id, "Hello")
        await eventually(lambda: link_of(owner.handlers[id]).queued_s() > 15)
        other.interrupt(id)
        assert not await long_one and not await waiting

        assert not await other.say("unknown", "Hello")
        assert not await (await asyncio.to_thread(other.say, "unknown", "Hello"))
        ends_with_the_call = other.say(id, (24_000, tone(20)))
        await eventually(lambda: link_of(owner.handlers[id]).queued_s() > 15)
    assert not await ends_with_the_call


async def test_speech_that_another_node_cannot_play_is_named():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        id = client.webrtc_id
        with pytest.raises(NoVoice, match="Text needs a voice"):
            await asyncio.to_thread(other.say, id, "Hello")
        with pytest.raises(NoVoice, match="Text needs a voice"):
            other.say(id, "Hello")
        with pytest.raises(TypeError, match="only text and audio can be said, not generator"):
            other.say(id, (one for one in [(24_000, tone(1))]))
        with pytest.raises(ValueError, match="s of audio are more"):
            other.say(id, (24_000, np.zeros(9 << 20, np.int16)))
        with pytest.raises(ValueError, match="characters are more"):
            encode_speech("a" * 70_000)
        with pytest.raises(HandlerError):
            other.say(id, (0, tone(1)))


async def test_an_input_that_cannot_be_sent_is_named():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        for call in (other.set_input, lambda *a: asyncio.to_thread(other.set_input, *a)):
            with pytest.raises(TypeError, match=r"argument 2, of type function"):
                result = call(client.webrtc_id, 1, lambda: None)
                if result is not None:
                    await result
        with pytest.raises(ValueError, match="set_input: .* bytes are more than"):
            await asyncio.to_thread(other.set_input, client.webrtc_id, bytes(17 << 20))
        owner.set_input(client.webrtc_id, lambda: None)  # not where the connection is
        assert len(owner.handlers[client.webrtc_id].got) == 1


async def test_the_number_of_inputs_is_checked_by_the_owner():
    def reply(frame: Any, text: str) -> Any:
        return frame

    owner, other = streams_of(2, reply, modality="video", mode="send-receive")
    async with running(owner, other), Client(owner, video="recvonly") as client:
        with pytest.raises(ValueError, match="takes 1 inputs"):
            await asyncio.to_thread(other.set_input, client.webrtc_id, 1, 2, 3)
        await asyncio.to_thread(other.set_input, client.webrtc_id, "text")
        assert connections_of(owner).media[client.webrtc_id].inputs.args == ("text",)


async def test_errors_of_inputs_on_the_event_loop_are_logged(
    caplog: pytest.LogCaptureFixture, errors: Callable[[], Any]
):
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        other.set_input(client.webrtc_id)
        await eventually(lambda: errors())
        assert "set_input of the connection" in errors()[0].getMessage()


async def test_a_connection_is_updated_and_ended_from_another_node():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        await other.update_connection(client.webrtc_id, "closed")
        await client.message("update_connection", "closed")
        diagnosis = await asyncio.to_thread(other.diagnose, client.webrtc_id)
        stats = await asyncio.to_thread(other.stats, client.webrtc_id)
        assert stats.webrtc_id == client.webrtc_id and stats.candidate_type == "host"
        assert diagnosis.state == "connected"
        with pytest.raises(LookupError):  # the event loop cannot wait for the other process
            other.diagnose(client.webrtc_id)
        assert other.clean_up(client.webrtc_id) == []
        await eventually(lambda: not left(owner))
        await other.update_connection(client.webrtc_id, "closed")
        with pytest.raises(LookupError):
            await asyncio.to_thread(other.diagnose, client.webrtc_id)


# Outputs


async def test_outputs_are_read_at_another_node():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other):
        async with Client(owner, audio="recvonly") as client:
            handler = owner.handlers[client.webrtc_id]
            reader = other.output_stream(client.webrtc_id)
            for number in range(10):
                handler.out.put_nowait(number)
            read = [(await anext(reader)).args[0] for _ in range(5)]
            await reader.aclose()
            read += [(await other.fetch_latest_output(client.webrtc_id)).args[0] for _ in range(5)]
            assert read == list(range(10))
            readers = endpoint_of(owner).cluster.readers
            readers._reading.clear()
            fetching = asyncio.ensure_future(other.fetch_latest_output(client.webrtc_id))
            await eventually(lambda: readers._reading)
        with pytest.raises(LookupError):
            await fetching


async def test_a_reader_may_start_at_another_node_before_the_offer():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other):
        client = Client(owner, audio="recvonly")
        reading = asyncio.ensure_future(other.fetch_latest_output(client.webrtc_id))
        await eventually(lambda: client.webrtc_id in other.additional_outputs)
        async with client:
            owner.handlers[client.webrtc_id].out.put_nowait("hello")
            assert (await reading).args == ("hello",)


async def test_all_outputs_of_a_connection_are_read_after_its_end():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other):
        async with Client(owner, audio="recvonly") as client:
            handler = owner.handlers[client.webrtc_id]
            reader = other.output_stream(client.webrtc_id)
            handler.out.put_nowait(0)
            assert (await anext(reader)).args == (0,)
            for number in range(1, 5):
                handler.out.put_nowait(number)
            await eventually(lambda: len(client.of_type("fetch_output")) == 5)
        assert [outputs.args[0] async for outputs in reader] == [1, 2, 3, 4]


async def test_outputs_that_cannot_be_sent_are_logged_and_the_next_one_is_read(
    errors: Callable[[], Any],
):
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        handler = owner.handlers[client.webrtc_id]
        handler.out.put_nowait(lambda: None)
        handler.out.put_nowait("next")
        assert (await other.fetch_latest_output(client.webrtc_id)).args == ("next",)
        assert errors()


async def test_readers_end_with_their_own_node():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        reading = asyncio.ensure_future(other.fetch_latest_output(client.webrtc_id))
        await eventually(lambda: endpoint_of(owner).cluster.readers._reading)
        await other.close_sessions()
        with pytest.raises(LookupError):
            await reading
        # what the reader did not get is still there
        owner.handlers[client.webrtc_id].out.put_nowait("kept")
        assert (await owner.fetch_latest_output(client.webrtc_id)).args == ("kept",)


async def test_a_connection_is_closed_from_another_node_and_its_client_is_told_why():
    ends: list[Any] = []
    owner, other = streams_of(
        2, AsyncAudioEcho(), on_disconnect=lambda context, end: ends.append(end)
    )
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        await eventually(lambda: client.channel.readyState == "open")
        assert await other.close(client.webrtc_id, "Your time is up")
        await client.message("end_stream", "Your time is up")
        assert client.of_type("end_stream")[0]["code"] == "server"
        assert not await other.close("unknown")
        await eventually(lambda: ends)
    assert [(end.code, end.reason) for end in ends] == [("server", "Your time is up")]


@pytest.mark.parametrize("user", [{"id": "anna"}, lambda: "cannot be pickled"])
async def test_an_offer_that_another_node_answers_keeps_who_it_is(user: Any):
    full, free = streams_of(2, AsyncAudioEcho(), concurrency_limit=1)
    identity = Identity(ClientRequest(client_host="192.0.2.1"), user, {"plan": "pro"})
    async with running(full, free), Client(full, audio=AudioSource(tone(5))):
        second = Client(full, audio=AudioSource(tone(5)))
        current_identity.set(identity)
        body = {**await second.offer(), "metadata": {"plan": "free", "page": "/"}}
        second.response = await second.post(body)
        if callable(user):
            assert second.response["meta"]["error"] == "concurrency_limit_reached"
        else:
            await elsewhere(second, free)
            context = connections_of(free).session(second.webrtc_id).user_context
            assert context.user == user and context.request.client_host == "192.0.2.1"
            assert context.metadata == {"plan": "pro", "page": "/"}
            await second.state("connected")
        await second.close()
        await second.over()
