import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from fastrtc import Cluster, ReplyOnPause
from fastrtc.server.cluster.directory import (
    Directory,
    DirectoryUnreachable,
    FleetFull,
    Key,
    NodeUnknown,
)
from fastrtc.server.cluster.redis import RedisDirectory
from tests.server.cluster.contract import KEY, DirectoryContract, node
from tests.server.cluster.race import check_race, race_of_processes
from tests.support.certificates import write_certificate
from tests.support.cluster import SECRET, clustered, node_of, running, streams_of
from tests.support.peers import Client
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer, redis_server
from tests.webrtc.test_cluster import Inputs

PREFIX = "{fastrtc}:"


class RedisStore:
    """A Redis, emptied for each test. Time passes by moving all times in it into the past, because
    nodes would die on a machine that stalls, if they were lost within a short real time."""

    lost_after_s = 60

    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self) -> Directory:
        return RedisDirectory(self.url, self.lost_after_s)

    async def pass_time(self, seconds: float) -> None:
        ms = round(seconds * 1000)
        async with AsyncRedis.from_url(self.url) as redis:
            for name in ("beats", "waiting"):
                for member in await redis.zrange(PREFIX + name, 0, -1):
                    await redis.zincrby(PREFIX + name, -ms, member)
            async for name in redis.scan_iter(PREFIX + "items:*"):
                entries = [entry.split(b":", 1) for entry in await redis.lrange(name, 0, -1)]
                earlier = [b"%d:%s" % (int(when) - ms, item) for when, item in entries]
                expires_at = await redis.pexpiretime(name)
                await redis.delete(name)
                await redis.rpush(name, *earlier)
                await redis.pexpireat(name, expires_at - ms)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def empty_server(shared_server: RedisServer) -> RedisServer:
    with Redis.from_url(shared_server.url) as redis:
        redis.flushall()
    return shared_server


@pytest.fixture
async def directory(empty_server: RedisServer) -> AsyncIterator[RedisDirectory]:
    directory = RedisDirectory(empty_server.url)
    yield directory
    await directory.close()


class TestRedisDirectory(DirectoryContract):
    @pytest.fixture
    def store(self, empty_server: RedisServer) -> RedisStore:
        return RedisStore(empty_server.url)


def test_processes_share_it(empty_server: RedisServer) -> None:
    granted = race_of_processes(RedisDirectory, empty_server.url)
    check_race(RedisDirectory(empty_server.url, lost_after_s=60), *granted)


async def test_times_are_those_of_redis(empty_server: RedisServer) -> None:
    directory = RedisDirectory(empty_server.url, lost_after_s=0.2)
    lasting = RedisDirectory(empty_server.url, lost_after_s=60)
    await lasting.find(Key("/", "other"), b"item", ttl_s=0.1)
    await lasting.beat(node("a"), [KEY])
    assert await lasting.find(KEY) == "a"
    await asyncio.sleep(0.3)
    assert await directory.find(KEY) is None
    await lasting.beat(node("b"), ())
    assert list((await lasting.claim(Key("/", "other"), "b")).items) == []
    await directory.close()
    await lasting.close()


async def test_a_clock_that_is_set_back_costs_one_heartbeat(directory: RedisDirectory) -> None:
    await directory.beat(node("a"), [KEY])
    await directory._redis.zincrby(PREFIX + "beats", 3_600_000, "a")
    with pytest.raises(NodeUnknown):
        await directory.beat(node("a"))
    await directory.beat(node("a"), [KEY])
    assert await directory.find(KEY) == "a"


async def test_a_redis_that_was_restarted_is_filled_again(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        directory = RedisDirectory(server.url)
        await directory.beat(node("a"), [KEY])
        server.stop()
        for _ in range(3):
            with pytest.raises(DirectoryUnreachable, match="127.0.0.1:[0-9]+/0 cannot be used"):
                await directory.beat(node("a"))
        server.start()
        with pytest.raises(NodeUnknown):
            await directory.claim(Key("/", "other"), "a")
        with pytest.raises(NodeUnknown):
            await directory.beat(node("a"))
        await directory.beat(node("a"), [KEY])
        assert await directory.find(KEY) == "a"
        await directory.close()


async def test_a_redis_that_hangs_is_waited_for_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_server(tmp_path) as server:
        directory = RedisDirectory(server.url, lost_after_s=60)
        await directory.beat(node("a"), ())
        monkeypatch.setattr("fastrtc.server.cluster.redis.OPERATION_TIMEOUT_S", 0.3)
        os.kill(server.pid, signal.SIGSTOP)
        began = time.monotonic()
        results = await asyncio.gather(
            *[directory.claim(Key("/", str(number)), "a") for number in range(50)],
            return_exceptions=True,
        )
        assert time.monotonic() - began < 20
        assert {type(result) for result in results} == {DirectoryUnreachable}
        os.kill(server.pid, signal.SIGCONT)
        monkeypatch.undo()
        assert (await directory.claim(KEY, "a")).owner == "a"
        await directory.close()


async def test_a_server_that_is_no_redis_is_refused() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    directory = RedisDirectory(f"redis://127.0.0.1:{port}/0")
    with pytest.raises(DirectoryUnreachable, match="cannot be used"):
        await directory.find(KEY)
    await directory.close()
    server.close()
    await server.wait_closed()


async def test_a_port_that_never_responds_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastrtc.server.cluster.redis.OPERATION_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        directory = RedisDirectory(f"redis://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(DirectoryUnreachable, match="did not respond|Timeout"):
            await directory.find(KEY)
        await directory.close()


async def test_a_wrong_password_is_an_error_without_the_password(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--requirepass", "right") as server:
        address = f"127.0.0.1:{server.port}/0"
        for user, message in (
            (":wrong@", "invalid username-password"),
            ("", "it needs a password"),
        ):
            directory = RedisDirectory(f"redis://{user}{address}")
            with pytest.raises(DirectoryUnreachable, match=f"{address} .*({message})") as caught:
                await directory.beat(node("a"), ())
            assert "wrong@" not in str(caught.value)
            await directory.close()
        directory = RedisDirectory(f"redis://:right@{address}")
        await directory.beat(node("a"), ())
        await directory.close()


async def test_redis_with_tls_needs_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    tls_port = free_port()
    options = ("--tls-port", str(tls_port), "--tls-auth-clients", "no")
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    with redis_server(tmp_path, *options, *files, "--tls-ca-cert-file", str(certificate)):
        url = f"rediss://127.0.0.1:{tls_port}/0"
        unknown = RedisDirectory(url)
        with pytest.raises(DirectoryUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await unknown.beat(node("a"), ())
        await unknown.close()
        plain = RedisDirectory(url.replace("rediss", "redis"))
        with pytest.raises(DirectoryUnreachable, match="cannot be used"):
            await plain.beat(node("a"), ())
        await plain.close()

        (stream,) = streams_of(1, ReplyOnPause(print))
        stream.cluster = Cluster(f"{url}?ssl_ca_certs={certificate}", secret=SECRET)
        async with running(stream):
            directory = RedisDirectory(f"{url}?ssl_ca_certs={certificate}")
            assert await directory.node(node_of(stream).id) is not None
            await directory.close()


async def test_inputs_survive_flushall(empty_server: RedisServer) -> None:
    owner, other = streams_of(2, Inputs())
    for stream in (owner, other):
        stream.cluster = clustered(RedisDirectory(empty_server.url), heartbeat_s=1.0)
    async with running(owner, other), Client(owner, audio="recvonly") as client:
        with Redis.from_url(empty_server.url) as redis:
            redis.flushall()
        await asyncio.to_thread(other.set_input, client.webrtc_id, "kept")
        assert owner.handlers[client.webrtc_id].got == [["kept"]]


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://127.0.0.1:port/0", "127.0.0.1:6379"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        RedisDirectory(url)


async def test_a_full_redis_is_an_error(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--maxmemory", "4mb") as server:
        directory = RedisDirectory(server.url, lost_after_s=60)
        await directory.beat(node("a"), [KEY])
        with pytest.raises(DirectoryUnreachable, match="maxmemory"):
            for number in range(1000):
                await directory.find(Key("/", str(number)), b"x" * 60_000)
        assert await directory.find(KEY) == "a"
        await directory.close()


async def test_keys_of_other_programs_are_not_touched(directory: RedisDirectory) -> None:
    async with directory._redis.client() as redis:
        await redis.set("nodes", "of another program")
        await directory.beat(node("a"), [KEY])
        await directory.find(Key("/", "other"), b"item")
        await directory.beat(node("a"))
        names = {name.decode() async for name in redis.scan_iter()}
        assert all(name.startswith(PREFIX) for name in names - {"nodes"})
        lasting = {name for name in names if await redis.ttl(name) < 0}
        assert lasting == {"nodes"}


async def test_clusters_with_different_prefixes_share_a_redis(empty_server: RedisServer) -> None:
    one, two = (RedisDirectory(empty_server.url, prefix=f"{name}:") for name in ("one", "two"))
    await one.beat(node("a"), [KEY])
    assert [one.id for one in await two.beat(node("b"), ())] == ["b"]
    assert (await two.claim(KEY, "b", total_limit=1)).owner == "b"
    with pytest.raises(FleetFull):
        await two.claim(Key("/", "other"), "b", total_limit=1)
    await one.close()
    await two.close()


async def test_nothing_is_left_in_redis(directory: RedisDirectory) -> None:
    await directory.beat(node("a"), [KEY])
    await directory.find(Key("/", "other"), b"item")
    await directory.claim(Key("/", "other"), "a")
    await directory.leave("a")
    assert await directory._redis.keys() == []


async def test_it_is_closed(directory: RedisDirectory) -> None:
    await directory.close()
    with pytest.raises(DirectoryUnreachable, match="is closed"):
        await directory.beat(node("a"), ())
