"""Nodes that die, lie or differ, a directory that is down, and limits over all nodes."""

import asyncio
import json
import os
import pickle
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastrtc import AdditionalOutputs, Cluster, Limits, Stream
from fastrtc.core.log_throttle import LogThrottle
from fastrtc.server.cluster import membership, ownership
from fastrtc.server.cluster.calls import (
    CALLS,
    ConnectionUnknown,
    decode_answer,
    encode_call,
)
from fastrtc.server.cluster.directory import Key
from fastrtc.server.endpoint import endpoint_of
from tests.support.cluster import (
    FailingDirectory,
    clustered,
    node_of,
    running,
    streams_of,
)
from tests.support.connections import connections_of, left
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.servers import serving
from tests.webrtc.handlers import AsyncAudioEcho
from tests.webrtc.test_cluster import Inputs, take_without_candidates, trickle


async def kill(stream: Any) -> None:
    """Let a node be gone at once, without a farewell."""
    node = node_of(stream)
    node._tasks.cancel()
    await node._server.stop()


# Nodes


async def test_a_reader_ends_when_the_owner_dies(caplog: pytest.LogCaptureFixture):
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        reading = asyncio.ensure_future(other.fetch_latest_output(client.webrtc_id))
        await eventually(lambda: endpoint_of(owner).cluster.readers._reading)
        await kill(owner)
        with pytest.raises(LookupError):
            await reading
        await asyncio.to_thread(other.set_input, client.webrtc_id, 1)
        await other.update_connection(client.webrtc_id, "closed")
        assert (await trickle(client, other))[0]["meta"]["error"] == "connection_closed"
    assert caplog.records


async def test_the_id_of_a_dead_node_is_free_again_for_another():
    directory = FailingDirectory()
    owner, other = streams_of(2, Inputs(), directory)
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        await kill(owner)
        again = Client(other, audio="recvonly", webrtc_id=client.webrtc_id)
        assert (await again.call())["meta"]["error"] == "connection_already_exists"
        await again.close()
        directory._lost_after_s = 0.5
        await asyncio.sleep(0.6)  # the directory's time is real
        await eventually(lambda: node_of(owner).id not in node_of(other)._nodes)
        async with Client(other, audio="recvonly", webrtc_id=client.webrtc_id):
            pass


async def test_calls_to_a_process_at_the_address_of_a_dead_one_go_on():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        node = node_of(other)
        reading = asyncio.ensure_future(other.fetch_latest_output(client.webrtc_id))
        await eventually(lambda: endpoint_of(owner).cluster.readers._reading)
        node.owned.recovered_at = -100.0  # it does not keep the nodes that are gone
        before = replace(node_of(owner).record, id="before")
        node._update_nodes([before, *node._nodes.values()])
        node._update_nodes([known for known in node._nodes.values() if known.id != "before"])
        await asyncio.sleep(0.1)  # connections to the dead one are closed
        owner.set_additional_outputs(client.webrtc_id)(AdditionalOutputs("here"))
        assert (await asyncio.wait_for(reading, 10)).args == ("here",)


async def test_an_offer_does_not_wait_for_a_stopped_process_of_a_large_cluster(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("fastrtc.server.cluster.node.MAX_PEERS", 2)  # heartbeats tell not all
    directory = FailingDirectory()
    full, stopped = streams_of(2, AsyncAudioEcho(), directory, concurrency_limit=1)
    for stream in (full, stopped):
        stream.cluster = clustered(directory, lost_after_s=1.0)
    asked = asyncio.Event()

    async def hang(name: str, body: bytes) -> bytes:
        asked.set()
        return await asyncio.Event().wait()

    async with running(full, stopped), Client(full, audio="recvonly"):
        await eventually(lambda: node_of(full).nodes_with_places("stream"))
        node_of(stopped)._server._handle = hang
        client = Client(full, audio="recvonly")
        call = asyncio.create_task(client.call())
        await asyncio.wait_for(asked.wait(), 10.0)
        node_of(stopped)._tasks.cancel()  # its heartbeats
        await directory.leave(node_of(stopped).id)
        answer = await asyncio.wait_for(call, 10.0)
        assert answer["meta"]["error"] == "concurrency_limit_reached"
        await client.close()


async def test_a_connection_ends_whose_id_another_node_got_while_its_own_was_stopped(
    caplog: pytest.LogCaptureFixture,
):
    directory = FailingDirectory()
    stopped, other = streams_of(2, Inputs(), directory)
    async with running(stopped, other), Client(stopped, audio="recvonly") as client:
        node = node_of(stopped)
        node._tasks.cancel()  # its heartbeats
        await directory.leave(node.id)
        async with Client(other, audio="recvonly", webrtc_id=client.webrtc_id):
            await node.owned.beat()  # it continues
            await node.owned._collect_items()
            await eventually(lambda: client.webrtc_id not in endpoint_of(stopped).places)
            await asyncio.to_thread(stopped.set_input, client.webrtc_id, "new")
            assert other.handlers[client.webrtc_id].got == [["new"]]
    assert "another process has its id now" in caplog.text


async def test_another_secret_is_refused_and_named(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(membership, "_failures", LogThrottle())
    directory = FailingDirectory()
    owner, other = (
        Stream(
            Inputs(),
            modality="audio",
            server_rtc_configuration=LOCAL,
            cluster=clustered(directory, secret=secret),
        )
        for secret in ("the secret of one of the nodes", "the secret of another node")
    )
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        await asyncio.to_thread(other.set_input, client.webrtc_id, 1)
        assert "FASTRTC_CLUSTER_SECRET" in caplog.text
        assert owner.handlers[client.webrtc_id].got == []


async def test_a_node_that_denies_its_connection_is_asked_twice_at_most():
    owner, other = streams_of(2, Inputs())
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        key = Key("stream", client.webrtc_id)
        asked: list[str] = []

        async def deny(name: str, body: bytes) -> bytes:
            asked.append(name)
            return pickle.dumps(("unknown",))

        node_of(owner)._server._handle = deny
        await asyncio.to_thread(other.set_input, client.webrtc_id, 1)
        assert asked == ["set_input"] * 2
        with pytest.raises(ConnectionUnknown):
            await node_of(other).call(key, "set_input", 1)
        assert asked == ["set_input"] * 4
        reader = other.output_stream(client.webrtc_id)
        assert [outputs async for outputs in reader] == []
        assert (await trickle(client, other))[0] == {"status": "success"}


async def test_two_nodes_that_name_each_other_end_a_call():
    directory = FailingDirectory()
    one, two = streams_of(2, Inputs(), directory)
    async with running(one, two):
        key = Key("stream", "nowhere")
        for stream, other in ((one, two), (two, one)):
            node_of(stream).owned.remember(key, node_of(other).id)
        await directory.claim(key, node_of(two).id)
        before = directory.operations
        with pytest.raises(ConnectionUnknown):
            await node_of(one).call(key, "set_input", 1)
        assert directory.operations - before <= 20


async def test_no_call_makes_calls():
    """What a node receives it never passes on: so no request can travel in a circle."""
    full = streams_of(3, AsyncAudioEcho())
    async with running(*full):
        for stream in full:
            connections_of(stream).registry.stopping = True
        asked: list[str] = []
        for stream in full:
            handle = node_of(stream)._server._handle

            async def note(name: str, body: bytes, handle: Any = handle) -> bytes:
                asked.append(name)
                return await handle(name, body)

            node_of(stream)._server._handle = note
        client = Client(full[0], audio="recvonly")
        assert (await client.call())["meta"]["error"] == "server_stopping"
        assert asked == ["offer"] * 2
        await client.close()


async def test_two_streams_with_the_same_name_are_an_error():
    options = clustered(FailingDirectory())
    one, two = (Stream(Inputs(), modality="audio", cluster=options) for _ in range(2))
    async with running(one):
        with pytest.raises(RuntimeError, match="the name 'stream'"):
            await endpoint_of(two).cluster.start()
        await endpoint_of(two).leave_cluster()


async def test_two_unmounted_streams_of_a_process_are_an_error():
    """On different loops, too: another process could answer for the wrong one."""
    options = clustered(FailingDirectory())
    one, two = (Stream(Inputs(), modality="audio", cluster=options) for _ in range(2))

    async def start() -> None:
        with pytest.raises(RuntimeError, match="the name 'stream'"):
            await endpoint_of(two).cluster.start()

    async with running(one):
        await asyncio.to_thread(asyncio.run, start())
        endpoint_of(two).mounted_at("/two")
        async with running(two):
            pass


async def test_a_node_that_cannot_listen_says_so_at_its_start():
    app = FastAPI()
    stream = Stream(
        Inputs(), modality="audio", cluster=clustered(FailingDirectory(), address="192.0.2.1")
    )
    stream.mount(app)
    with pytest.raises(OSError, match=r"192.0.2.1"):
        async with app.router.lifespan_context(app):
            pass


# The directory


async def test_while_the_directory_is_down_calls_continue_and_new_ones_are_served_locally(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fastrtc.server.cluster.membership._failures", LogThrottle())
    directory = FailingDirectory()
    one, two = streams_of(2, Inputs(), directory, total_limit=2)
    async with running(one, two), Client(one, audio="recvonly") as client:
        await asyncio.to_thread(two.set_input, client.webrtc_id, 1)
        directory.down = True
        await eventually(lambda: not node_of(two).owned.reachable)
        await asyncio.to_thread(two.set_input, client.webrtc_id, 2)  # it remembers the owner
        assert one.handlers[client.webrtc_id].got == [[1], [2]]

        later = Client(two, audio="recvonly")
        offer = await later.offer(trickle=True)
        assert all(answer == {"status": "success"} for answer in await trickle(later, two))
        await later.take(await later.post(offer))
        await later.state("connected")
        await asyncio.to_thread(one.set_input, later.webrtc_id, "nobody has it")

        directory.down = False
        await eventually(lambda: node_of(one).owned.reachable and node_of(two).owned.reachable)
        await asyncio.to_thread(one.set_input, later.webrtc_id, 3)
        assert two.handlers[later.webrtc_id].got == [[3]]
        await later.close()
        await later.over()
    warnings = [r for r in caplog.records if "directory of the cluster" in r.getMessage()]
    assert len(warnings) == 4  # of each node: that it is unreachable, and that it is back
    assert "set_input is ignored: the directory is unreachable" in caplog.text


async def test_candidates_follow_an_offer_to_another_node_while_the_directory_is_down():
    directory = FailingDirectory()
    full, free = streams_of(2, AsyncAudioEcho(), directory, concurrency_limit=1)
    async with running(full, free), Client(full, audio="recvonly"):
        await eventually(lambda: node_of(full).nodes_with_places("stream"))
        directory.down = True
        await eventually(lambda: not node_of(full).owned.reachable)
        client = Client(full, audio=AudioSource(tone(5)))
        offer = await client.offer(trickle=True)
        before = await trickle(client, full)
        answer = await client.post(offer)
        after = await trickle(client, full)
        assert before and all(one == {"status": "success"} for one in before + after)
        connection = connections_of(free).endpoint.get(client.webrtc_id)
        known = {one.type for one in connection.transport.diagnose().remote}
        await take_without_candidates(client, answer)
        await client.state("connected")
        await client.close()
        await client.over()
        directory.down = False
    assert known == {"host"}


async def test_a_node_may_start_before_its_directory():
    directory = FailingDirectory()
    directory.down = True
    (one,) = streams_of(1, Inputs(), directory)
    await endpoint_of(one).cluster.start()
    async with Client(one, audio="recvonly") as client:
        directory.down = False
        await eventually(lambda: node_of(one).owned.reachable)
        assert await directory.find(Key("stream", client.webrtc_id)) == node_of(one).id
    await endpoint_of(one).leave_cluster()


# Limits


async def test_the_total_limit_counts_the_connections_of_all_nodes():
    one, two = streams_of(2, Inputs(), concurrency_limit=5, total_limit=2)
    async with running(one, two), Client(one, audio="recvonly"):
        async with Client(two, audio="recvonly"):
            for stream in (one, two):
                third = Client(stream, audio="recvonly")
                refused = {"error": "concurrency_limit_reached", "limit": 2}
                assert (await third.call())["meta"] == refused
                await third.close()
        await eventually(lambda: not node_of(two).owned._releasing)
        async with Client(two, audio="recvonly"):
            pass


async def test_the_total_limit_holds_without_a_cluster():
    stream = Stream(
        Inputs(),
        modality="audio",
        concurrency_limit=5,
        total_limit=1,
        server_rtc_configuration=LOCAL,
    )
    async with Client(stream, audio="recvonly"):
        second = Client(stream, audio="recvonly")
        assert (await second.call())["meta"]["limit"] == 1
        await second.close()


# Real servers


async def test_two_servers_share_an_sqlite_file(tmp_path: Path):
    """Apps on their own event loops, in threads of their own, over HTTP."""
    streams, apps = [], []
    for _ in range(2):
        app = FastAPI()
        stream = Stream(
            Inputs(),
            modality="audio",
            verbose=False,
            server_rtc_configuration=LOCAL,
            cluster=Cluster(f"sqlite://{tmp_path}/calls.db"),
        )
        stream.mount(app, "/voice")
        streams.append(stream)
        apps.append(app)
    client = Client(streams[0], audio="recvonly")
    with serving(apps[0]) as first, serving(apps[1]) as second:
        async with httpx.AsyncClient() as http:
            offer = await client.offer(trickle=True)
            for text, mid, index in client.candidates():
                candidate = {"candidate": text, "sdpMid": mid, "sdpMLineIndex": index}
                body = {"candidate": candidate, "webrtc_id": client.webrtc_id, "type": "x"}
                answer = await http.post(f"{second}/voice/webrtc/offer", json=body)
                assert answer.json() == {"status": "success"}
            answer = (await http.post(f"{first}/voice/webrtc/offer", json=offer)).json()
            await client.take(answer)
            await client.state("connected")
            await asyncio.to_thread(streams[1].set_input, client.webrtc_id, "hello")
            assert streams[0].handlers[client.webrtc_id].got == [["hello"]]
            same = await http.post(f"{second}/voice/webrtc/offer", json=offer)
            assert same.json()["meta"]["error"] == "connection_already_exists"
        await client.close()
        await eventually(lambda: not left(streams[0]))
    assert not any(name.endswith(".sock") for name in os.listdir(tmp_path))


async def test_offers_that_wait_for_another_node_are_bounded(monkeypatch: pytest.MonkeyPatch):
    full, free = streams_of(2, AsyncAudioEcho(), concurrency_limit=1, limits=Limits(connecting=2))
    answer = CALLS["offer"].function
    started = asyncio.Semaphore(0)

    async def slow(*args: Any) -> Any:
        started.release()
        await asyncio.sleep(0.5)
        return await answer(*args)

    monkeypatch.setitem(CALLS, "offer", replace(CALLS["offer"], function=slow))
    async with running(full, free), Client(full, audio="recvonly"):
        waiting = [Client(full, audio="recvonly") for _ in range(2)]
        posts = [asyncio.ensure_future(one.call()) for one in waiting]
        for _ in waiting:
            await started.acquire()
        third = Client(full, audio="recvonly")
        assert (await third.call())["meta"]["error"] == "concurrency_limit_reached"
        answers = [(await post).get("type") for post in posts]
        assert sorted(map(str, answers)) == ["None", "answer"]
        for client in (*waiting, third):
            await client.close()


# Event loops


def test_a_program_without_a_lifespan_leaves_nothing_behind(tmp_path: Path):
    """The end of the event loop ends the node."""
    url = f"sqlite://{tmp_path}/calls.db"
    stream = Stream(Inputs(), modality="audio", server_rtc_configuration=LOCAL, cluster=url)

    async def main(id: str) -> None:
        client = Client(stream, audio="recvonly", webrtc_id=id)
        await client.connect()
        stream.set_input("unknown", 1)
        stream.clean_up(id)
        await eventually(lambda: not left(stream))
        await client.close()

    for id in ("first", "second"):
        asyncio.run(main(id))
        assert sorted(name for name in os.listdir(tmp_path) if "sock" in name) == []
    with closing(sqlite3.connect(tmp_path / "calls.db")) as database:
        for table in ("nodes", "owners", "items"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_each_event_loop_is_a_node_of_its_own(tmp_path: Path):
    """As in tests of programs, whose client runs each request on another loop."""
    app = FastAPI()
    stream = Stream(
        Inputs(), modality="audio", verbose=False, cluster=f"sqlite://{tmp_path}/calls.db"
    )
    stream.mount(app)

    @app.get("/sync")
    def set_input(value: int) -> None:
        stream.set_input("me", value)

    @app.get("/async")
    async def set_input_async(value: int) -> None:
        stream.set_input("me", value)

    candidate = {"webrtc_id": "x", "type": "ice-candidate", "candidate": None}
    http = TestClient(app)
    with http.websocket_connect("/websocket/offer") as socket:
        socket.send_json({"event": "start", "websocket_id": "me"})
        socket.send_json({"event": "ping"})
        assert socket.receive_json() == {"event": "pong"}
        assert http.post("/webrtc/offer", json=candidate).json() == {"status": "success"}
        for path, value in (("/sync", 1), ("/async", 2)):
            http.get(path, params={"value": value})
        assert stream.handlers["me"].got == [[1], [2]]
        socket.send_json({"event": "stop"})
    assert [name for name in os.listdir(tmp_path) if name.endswith(".sock")] == []


def test_a_program_may_set_inputs_before_any_request(tmp_path: Path):
    stream = Stream(Inputs(), modality="audio", cluster=f"sqlite://{tmp_path}/calls.db")
    stream.set_input("unknown", 1)
    assert stream.clean_up("unknown") == []
    assert not os.listdir(tmp_path)


async def test_candidates_at_another_node_survive_a_directory_that_loses_its_data(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(ownership, "COLLECT_AFTER_S", 0.1)
    directory = FailingDirectory()
    owner, other = streams_of(2, AsyncAudioEcho(), directory)
    async with running(owner, other):
        client = Client(owner, audio="recvonly")
        answer = await client.post(await client.offer(trickle=True))
        await take_without_candidates(client, answer)
        await directory.leave(node_of(owner).id)
        assert all(one == {"status": "success"} for one in await trickle(client, other))
        await client.state("connected")
        await client.close()
        await client.over()


async def test_large_candidates_and_those_of_strange_ids_harm_nobody():
    one, two = streams_of(2, AsyncAudioEcho())
    line = "candidate:1 1 udp 1 192.0.2.1 9 typ host"
    async with running(one, two):

        async def send(id: str, **fields: Any) -> Any:
            candidate = {"candidate": line, "sdpMLineIndex": 0, **fields}
            body = {"candidate": candidate, "type": "ice-candidate", "webrtc_id": id}
            answer = await one.handle_offer(body, set_outputs=print)
            return json.loads(answer.body)

        assert await send("a", other="x" * 60_000) == {"status": "success"}
        refused = await send("a", sdpMid="x" * 60_000)
        assert refused["meta"]["error"] == "invalid_candidate_format"
        for id in ("call/CA1", "reader", "é" * 256, "'; DROP TABLE owners; --", "{a}:b"):
            assert await send(id) == {"status": "success"}


async def test_no_id_of_a_client_is_taken_for_a_telephone_call():
    one, two = streams_of(2, AsyncAudioEcho())
    async with running(one, two), Client(one, audio="recvonly", webrtc_id="call/CA1"):
        assert await endpoint_of(two).cluster.holder_of_call("CA1") is None
        assert await endpoint_of(one).cluster.hold_call("CA1")
        assert await endpoint_of(two).cluster.holder_of_call("CA1") == node_of(one).id


async def test_nodes_know_each_other_while_the_directory_recovers_from_the_loss_of_its_data():
    directory = FailingDirectory()
    one, other = streams_of(2, AsyncAudioEcho(), directory)
    async with running(one, other):
        directory.restart()
        await node_of(one).owned.beat()
        assert node_of(other).id in node_of(one)._nodes, "though it has sent no heartbeat since"


async def test_inputs_survive_a_directory_that_loses_its_data():
    directory = FailingDirectory()
    owner, other = streams_of(2, Inputs(), directory)
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        directory.restart()
        for number in range(3):
            other.set_input(client.webrtc_id, number)
        handler = owner.handlers[client.webrtc_id]
        await eventually(lambda: handler.got == [[0], [1], [2]])


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Return a folder whose path leaves room for the name of a Unix socket, 107 bytes in all."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


async def test_a_socket_that_was_removed_is_opened_again(
    short_path: Path, caplog: pytest.LogCaptureFixture
):
    folder = short_path / "run"
    folder.mkdir()
    options = clustered(FailingDirectory(), address=f"unix:{folder}", lost_after_s=0.5)
    stream = Stream(Inputs(), modality="audio", cluster=options)
    async with running(stream):
        node = node_of(stream)
        path = node.record.address.removeprefix("unix:")
        for remove in (lambda: os.unlink(path), lambda: shutil.rmtree(folder)):
            remove()
            await eventually(lambda: os.path.exists(path))
            body = encode_call("set_input", "stream", "nowhere", (1,))
            answer = await node._client.request(node.record, "set_input", body, 5.0)
            with pytest.raises(ConnectionUnknown):
                decode_answer(answer)
    assert not os.listdir(folder)
    assert "was removed" in caplog.text


async def test_readers_of_a_process_that_is_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fastrtc.server.cluster.node.IDLE_READER_S", 0.0)
    directory = FailingDirectory()
    owner, other = streams_of(2, Inputs(), directory)
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        put = owner.set_additional_outputs(client.webrtc_id)
        put(AdditionalOutputs("kept"))
        readers = endpoint_of(owner).cluster.readers
        for name in ("gone/1", f"{node_of(other).id}/1"):
            await readers.read(client.webrtc_id, name, 0, 0.1)
        await node_of(owner)._forget_readers()
        assert [name.partition("/")[0] for name in readers._reading] == [node_of(other).id]
        assert (await owner.fetch_latest_output(client.webrtc_id)).args == ("kept",)
