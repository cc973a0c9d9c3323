"""A directory in Redis, for the processes of several machines.

Needs the extra ``cluster``, and Redis 6.2 or newer with the default ``maxmemory-policy``,
``noeviction``. Nothing has to be saved to disk: the nodes fill an empty Redis again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Collection, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .directory import (
    LOST_AFTER_S,
    MAX_ITEM_BYTES,
    MAX_ITEMS,
    MAX_PEERS,
    MAX_WAITING_KEYS,
    OPERATION_TIMEOUT_S,
    Claim,
    DirectoryUnreachable,
    FleetFull,
    Key,
    Node,
    NodeUnknown,
    check_item,
    read_nodes,
)

__all__ = ["RedisDirectory"]

MAX_CONNECTIONS = 8
"""Of one process to Redis. An operation needs one of them for a round trip."""

KEPT_S = 3600
"""Time after the last heartbeat after which Redis removes everything, in seconds."""

UNAUTHENTICATED = re.compile("already authenticated|unauthenticated|Authentication required")
"""The errors of Redis for a client without a password, which depend on its first command."""

NO_PASSWORD = "it needs a password: redis://:password@host:port/database"

# KEYS[1] ends with "beats"; ARGV[1] is the prefix of all keys, ARGV[2] `lost_after_s` in ms.
#
#   beats            sorted set: node -> ms of its last heartbeat, on Redis' clock
#   nodes            hash: node -> JSON record
#   owners           hash: stream \n id -> node
#   owned:NODE       set: stream \n id
#   totals           hash: stream -> number of its keys
#   waiting          sorted set: stream \n id -> ms of the expiry of the last of its items
#   items:STREAM\nID list: ms of its expiry ":" item
PRELUDE = """
local prefix, lost_after = ARGV[1], tonumber(ARGV[2])
local beats, nodes, owners = KEYS[1], prefix .. 'nodes', prefix .. 'owners'
local totals, waiting = prefix .. 'totals', prefix .. 'waiting'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function disown(field, node)
    redis.call('HDEL', owners, field)
    redis.call('SREM', prefix .. 'owned:' .. node, field)
    local stream = string.sub(field, 1, string.find(field, '\\n', 1, true) - 1)
    if redis.call('HINCRBY', totals, stream, -1) <= 0 then
        redis.call('HDEL', totals, stream)
    end
end

local function own(field, node)
    redis.call('HSET', owners, field, node)
    redis.call('SADD', prefix .. 'owned:' .. node, field)
    redis.call('HINCRBY', totals, string.sub(field, 1, string.find(field, '\\n', 1, true) - 1), 1)
end

local function remove(node)
    for _, field in ipairs(redis.call('SMEMBERS', prefix .. 'owned:' .. node)) do
        disown(field, node)
    end
    redis.call('ZREM', beats, node)
    redis.call('HDEL', nodes, node)
end

local function remove_dead(from, to)
    for _, node in ipairs(redis.call('ZRANGEBYSCORE', beats, from, to)) do
        remove(node)
    end
end

remove_dead('-inf', now - lost_after)
remove_dead(now + lost_after, '+inf')
"""

BEAT = """
local node, record, most, kept, has_keys = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
if has_keys == '0' and not redis.call('ZSCORE', beats, node) then
    return 'unknown'
end
redis.call('ZADD', beats, now, node)
redis.call('HSET', nodes, node, record)
local owned = prefix .. 'owned:' .. node
if has_keys == '1' then
    local fields = {}
    for index = 8, #ARGV do
        fields[ARGV[index]] = true
    end
    for _, field in ipairs(redis.call('SMEMBERS', owned)) do
        if not fields[field] then
            disown(field, node)
        end
    end
    for field in pairs(fields) do
        if not redis.call('HGET', owners, field) then
            own(field, node)
        end
    end
end
for _, key in ipairs({beats, nodes, owners, totals, waiting, owned}) do
    redis.call('EXPIRE', key, kept)
end
if redis.call('HLEN', nodes) <= most then
    return redis.call('HVALS', nodes)
end
local some = redis.call('HRANDFIELD', nodes, most, 'WITHVALUES')
local records = {record}
for index = 1, #some, 2 do
    if some[index] ~= node and #records < most then
        table.insert(records, some[index + 1])
    end
end
return records
"""

LEAVE = "remove(ARGV[3])"

NODE = "return redis.call('HGET', nodes, ARGV[3])"

CLAIM = """
local node, field, limit = ARGV[3], ARGV[4], tonumber(ARGV[5])
if not redis.call('ZSCORE', beats, node) then
    return 'unknown'
end
local owner = redis.call('HGET', owners, field)
if owner and owner ~= node then
    return {owner}
end
if not owner then
    local stream = string.sub(field, 1, string.find(field, '\\n', 1, true) - 1)
    if limit >= 0 and tonumber(redis.call('HGET', totals, stream) or 0) >= limit then
        return 'full'
    end
    own(field, node)
end
local answer = {node}
if redis.call('ZREM', waiting, field) == 1 then
    for _, entry in ipairs(redis.call('LRANGE', prefix .. 'items:' .. field, 0, -1)) do
        local colon = string.find(entry, ':', 1, true)
        if tonumber(string.sub(entry, 1, colon - 1)) > now then
            table.insert(answer, string.sub(entry, colon + 1))
        end
    end
    redis.call('DEL', prefix .. 'items:' .. field)
end
return answer
"""

RELEASE = """
if redis.call('HGET', owners, ARGV[4]) == ARGV[3] then
    disown(ARGV[4], ARGV[3])
end
"""

FIND = """
local field, has_item, item, expires_at = ARGV[3], ARGV[4], ARGV[5], now + tonumber(ARGV[6])
local max_items, max_bytes, max_keys = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local owner = redis.call('HGET', owners, field)
if owner or has_item == '0' then
    return owner
end
local list = prefix .. 'items:' .. field
local function drop(key)
    redis.call('ZREM', waiting, key)
    redis.call('DEL', prefix .. 'items:' .. key)
end
for _, key in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', now)) do
    drop(key)
end
local last = redis.call('ZSCORE', waiting, field)
if not last and redis.call('ZCARD', waiting) >= max_keys then
    drop(redis.call('ZRANGE', waiting, 0, 0)[1])
end
local count, bytes = 0, #item
for _, entry in ipairs(redis.call('LRANGE', list, 0, -1)) do
    local colon = string.find(entry, ':', 1, true)
    if tonumber(string.sub(entry, 1, colon - 1)) > now then
        count, bytes = count + 1, bytes + #entry - colon
    else
        redis.call('LREM', list, 1, entry)
    end
end
if count < max_items and bytes <= max_bytes then
    redis.call('RPUSH', list, string.format('%d:', expires_at) .. item)
    expires_at = math.max(expires_at, tonumber(last or 0))
    redis.call('ZADD', waiting, expires_at, field)
    redis.call('PEXPIREAT', list, expires_at)
end
return false
"""

Reply = list[bytes] | bytes | None
Argument = str | bytes | int


class _Script(Protocol):
    def __call__(self, *, keys: list[str], args: list[Argument]) -> Awaitable[Reply]: ...


class RedisDirectory:
    """A directory in Redis.

    Each operation is one script, which Redis runs as a whole; times are those of Redis' clock. It
    connects when it is first used, and again after a failure.

    Args:
        url: ``redis://[user:password@]host:port/database``, ``rediss://`` for TLS, or
            ``unix:///path.sock``.
        lost_after_s: Time without a heartbeat after which a node counts as dead, in seconds.
        prefix: Of the names of all keys in Redis. Different clusters with the same database need
            different ones.

    Raises:
        ValueError: The URL is not valid.
    """

    def __init__(
        self, url: str, lost_after_s: float = LOST_AFTER_S, prefix: str = "{fastrtc}:"
    ) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self._name = f"{parts.scheme}://{host}{parts.path}"  # without the password
        pool = ConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            socket_timeout=OPERATION_TIMEOUT_S,
            socket_connect_timeout=OPERATION_TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),  # a connection that Redis has closed fails once
        )
        self._redis = Redis(connection_pool=pool)
        self._connections = asyncio.Semaphore(MAX_CONNECTIONS)  # in order, unlike the pool
        self._prefix = prefix
        self._lost_after_ms = round(lost_after_s * 1000)
        self._closed = False
        self._beat = self._script(BEAT)
        self._leave = self._script(LEAVE)
        self._node = self._script(NODE)
        self._claim = self._script(CLAIM)
        self._release = self._script(RELEASE)
        self._find = self._script(FIND)

    async def beat(self, node: Node, keys: Collection[Key] | None = None) -> Sequence[Node]:
        """See ``Directory.beat``."""
        fields = [] if keys is None else [_field(key) for key in keys]
        has_keys = int(keys is not None)
        records = await self._run(
            self._beat, node.id, node.to_json(), MAX_PEERS, KEPT_S, has_keys, *fields
        )
        if not isinstance(records, list):
            raise NodeUnknown(f"{self._name} does not know the node {node.id}")
        return read_nodes(records)

    async def leave(self, node_id: str) -> None:
        """See ``Directory.leave``."""
        await self._run(self._leave, node_id)

    async def node(self, node_id: str) -> Node | None:
        """See ``Directory.node``."""
        record = await self._run(self._node, node_id)
        return next(iter(read_nodes([record] if isinstance(record, bytes) else [])), None)

    async def claim(self, key: Key, node_id: str, total_limit: int | None = None) -> Claim:
        """See ``Directory.claim``."""
        limit = -1 if total_limit is None else max(total_limit, 0)
        answer = await self._run(self._claim, node_id, _field(key), limit)
        if answer == b"full":
            raise FleetFull(f"{key.stream} has {total_limit} connections in the cluster")
        if not isinstance(answer, list):
            raise NodeUnknown(f"{self._name} does not know the node {node_id}")
        return Claim(answer[0].decode(), answer[1:])

    async def release(self, key: Key, node_id: str) -> None:
        """See ``Directory.release``."""
        await self._run(self._release, node_id, _field(key))

    async def find(self, key: Key, item: bytes | None = None, ttl_s: float = 10) -> str | None:
        """See ``Directory.find``."""
        check_item(item)
        has_item = int(item is not None)
        bounds = (MAX_ITEMS, MAX_ITEM_BYTES, MAX_WAITING_KEYS)
        owner = await self._run(
            self._find, _field(key), has_item, item or b"", round(ttl_s * 1000), *bounds
        )
        return owner.decode() if isinstance(owner, bytes) else None

    async def close(self) -> None:
        """See ``Directory.close``."""
        self._closed = True
        await self._redis.aclose(close_connection_pool=True)

    def _script(self, source: str) -> _Script:
        script: _Script = self._redis.register_script(PRELUDE + source)
        return script

    async def _run(self, script: _Script, *arguments: Argument) -> Reply:
        """Run a script in Redis.

        Raises:
            DirectoryUnreachable: Redis cannot be reached, does not respond, or returns an error.
        """
        if self._closed:
            raise DirectoryUnreachable(f"the directory {self._name} is closed")

        async def run() -> Reply:
            async with self._connections:
                return await script(
                    keys=[f"{self._prefix}beats"],
                    args=[self._prefix, self._lost_after_ms, *arguments],
                )

        try:
            return await asyncio.wait_for(run(), OPERATION_TIMEOUT_S)
        except asyncio.TimeoutError:
            raise DirectoryUnreachable(
                f"the directory {self._name} did not respond within {OPERATION_TIMEOUT_S:g} s"
            ) from None
        except (OSError, RedisError) as error:
            reason = NO_PASSWORD if UNAUTHENTICATED.search(str(error)) else error
            raise DirectoryUnreachable(
                f"the directory {self._name} cannot be used: {reason}"
            ) from None


def _field(key: Key) -> str:
    return f"{key.stream}\n{key.id}"
