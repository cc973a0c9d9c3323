"""A directory in a Ray actor, for the replicas of a Ray Serve deployment. Needs the extra ``ray``.

The actor has a name, and belongs to no driver or replica. Ray starts it again, empty, if its
machine fails: the nodes fill it again. It ends when no node has used it for a while.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from ...core.errors import FastRTCError
from .actor import DirectoryActor
from .directory import (
    LOST_AFTER_S,
    OPERATION_TIMEOUT_S,
    Claim,
    DirectoryUnreachable,
    Key,
    Node,
    check_item,
)

__all__ = ["RayDirectory", "address_of_node", "ask_secret"]

NAMESPACE = "fastrtc"
"""The Ray namespace of the actors."""

START_TIMEOUT_S = 60.0
"""Maximum time for the start of the actor, in seconds: Ray starts a process for it."""

MAX_CONCURRENCY = 1000
"""Maximum number of operations of the actor at a time; further ones wait."""


class RayDirectory:
    """A directory in an actor of the Ray cluster that this process is connected to.

    Args:
        name: The name of the directory; processes with the same name share one.
        lost_after_s: Time without a heartbeat after which a node counts as dead, in seconds.
        secret: The secret for an actor that this directory has to start again.
    """

    def __init__(
        self, name: str, lost_after_s: float = LOST_AFTER_S, secret: str | None = None
    ) -> None:
        self._name = name
        self._lost_after_s = lost_after_s
        self._secret = secret
        self._actor: Any = None

    async def beat(self, node: Node, keys: Collection[Key] | None = None) -> Sequence[Node]:
        """See ``Directory.beat``."""
        nodes: Sequence[Node] = await self._call("beat", node, None if keys is None else [*keys])
        return nodes

    async def leave(self, node_id: str) -> None:
        """See ``Directory.leave``."""
        await self._call("leave", node_id)

    async def node(self, node_id: str) -> Node | None:
        """See ``Directory.node``."""
        node: Node | None = await self._call("node", node_id)
        return node

    async def claim(self, key: Key, node_id: str, total_limit: int | None = None) -> Claim:
        """See ``Directory.claim``."""
        claim: Claim = await self._call("claim", key, node_id, total_limit)
        return claim

    async def release(self, key: Key, node_id: str) -> None:
        """See ``Directory.release``."""
        await self._call("release", key, node_id)

    async def find(self, key: Key, item: bytes | None = None, ttl_s: float = 10) -> str | None:
        """See ``Directory.find``."""
        check_item(item)
        owner: str | None = await self._call("find", key, item, ttl_s)
        return owner

    async def close(self) -> None:
        """Forget the actor, which other nodes may use."""
        self._actor = None

    async def _call(self, operation: str, *args: Any) -> Any:
        """Execute an operation in the actor.

        Raises:
            DirectoryUnreachable: If the actor does not answer in time.
            FastRTCError: The exceptions of the operation.
        """
        try:
            return await asyncio.wait_for(self._answer(operation, args), OPERATION_TIMEOUT_S)
        except asyncio.TimeoutError:
            reason: object = f"no answer within {OPERATION_TIMEOUT_S:.0f} s"
        except RayTaskError as error:
            if isinstance(error.cause, FastRTCError):
                raise error.cause from None
            reason = error.cause
        except RayActorError as error:
            self._actor = None  # the next operation starts another one
            reason = error
        except (RayError, ConnectionError, RuntimeError, ValueError) as error:
            reason = error
        raise DirectoryUnreachable(f"the actor {self._name!r} in Ray: {reason}")

    async def _answer(self, operation: str, args: tuple[Any, ...]) -> Any:
        if self._actor is None:
            self._actor = await asyncio.to_thread(
                _open_actor, self._name, self._lost_after_s, self._secret
            )
        return await self._actor.call.remote(operation, *args)


async def ask_secret(name: str, lost_after_s: float = LOST_AFTER_S) -> str:
    """Return the secret that the actor of a directory has generated, after starting the actor.

    Raises:
        OSError: If the actor does not answer within a minute.
    """
    try:
        actor = await asyncio.to_thread(_open_actor, name, lost_after_s, None)
        secret: str = await asyncio.wait_for(_await(actor.secret.remote()), START_TIMEOUT_S)
    except (RayError, ConnectionError, RuntimeError, ValueError, asyncio.TimeoutError) as error:
        raise OSError(f"Cluster: the actor {name!r} in Ray does not answer: {error}") from error
    return secret


def address_of_node() -> str:
    """Return the IP address at which the other machines of the Ray cluster reach this one."""
    return str(ray.util.get_node_ip_address())


def _open_actor(name: str, lost_after_s: float, secret: str | None) -> Any:
    """Return the handle of an actor, and start it if there is none.

    Raises:
        RuntimeError: If this process is not connected to a Ray cluster.
    """
    if not ray.is_initialized():
        raise RuntimeError("this process is not connected to a Ray cluster: call ray.init()")
    options = {
        "name": name,
        "namespace": NAMESPACE,
        "get_if_exists": True,
        "lifetime": "detached",
        "num_cpus": 0,
        "max_restarts": -1,
        "max_concurrency": MAX_CONCURRENCY,
    }
    remote: Any = ray.remote(DirectoryActor)
    return remote.options(**options).remote(
        lost_after_s, secret or secrets.token_hex(32), _end_this_actor
    )


def _end_this_actor() -> None:
    ray.kill(ray.get_runtime_context().current_actor)


async def _await(answer: Any) -> Any:
    return await answer
