"""A program that `test_serve.py` runs: a deployment on two nodes of Ray scales up and down.

Prints a JSON object with what happened. A program of its own, because Ray starts threads and
processes that only `ray.shutdown()` and the end of the program remove.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import numpy as np

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_SERVE_PROXY_PREFER_LOCAL_NODE_ROUTING"] = "0"  # requests to both nodes

import ray
from ray import serve
from ray.cluster_utils import Cluster

import fastrtc.ray
from fastrtc import Client

PORT = int(sys.argv[1])
URL = f"http://127.0.0.1:{PORT}"
TONE = (48000, (np.sin(np.arange(48000) * 0.05) * 8000).astype(np.int16))
DRAIN_LIMIT_S = 25


def build() -> Any:
    """Return the app: an echo that sends its inputs back as outputs."""
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse
    from pydantic import BaseModel

    from fastrtc import AdditionalOutputs, AsyncStreamHandler, Stream

    class Echo(AsyncStreamHandler):
        def __init__(self) -> None:
            super().__init__()
            self.queue: asyncio.Queue[Any] = asyncio.Queue()

        async def receive(self, frame: Any) -> None:
            self.queue.put_nowait(frame)

        async def emit(self) -> Any:
            if self.args_set.is_set() and self.latest_args[1:] != getattr(self, "sent", None):
                self.sent = self.latest_args[1:]
                return AdditionalOutputs(*self.sent)
            return await self.queue.get()

        def copy(self) -> "Echo":
            return Echo()

    class Input(BaseModel):
        webrtc_id: str
        text: str

    stream = Stream(
        Echo(),
        modality="audio",
        mode="send-receive",
        concurrency_limit=30,
        server_rtc_configuration={"iceServers": []},
    )
    app = FastAPI()
    stream.mount(app)

    @app.get("/who")
    def who() -> dict[str, Any]:
        return {
            "node": ray.get_runtime_context().get_node_id(),
            "process": os.getpid(),
            "connections": list(stream.connections),
        }

    @app.post("/input")
    def add_input(value: Input) -> None:
        stream.set_input(value.webrtc_id, value.text)

    @app.get("/outputs")
    def outputs(webrtc_id: str) -> StreamingResponse:
        async def lines() -> Any:
            async for output in stream.output_stream(webrtc_id):
                yield f"data: {output.args[0]}\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    return app


class Call:
    """A client that talks, and counts the chunks of audio that come back."""

    def __init__(self, transport: str = "webrtc") -> None:
        self.transport = transport
        self.client = Client(URL, transport, trickle=transport == "webrtc", timeout_s=40)
        self.chunks = 0
        self.messages: list[str] = []
        self.longest_gap_s = 0.0
        self.tasks: list[asyncio.Task[None]] = []

    async def connect(self) -> "Call":
        await self.client.connect()
        work = [self._talk(), self._listen(), self._read()]
        self.tasks = [asyncio.create_task(one) for one in work]
        return self

    async def _talk(self) -> None:
        while True:
            await self.client.send_audio(TONE)
            await self.client.drain()

    async def _listen(self) -> None:
        last = None
        async for _ in self.client.audio():
            now = time.monotonic()
            if last is not None:
                self.longest_gap_s = max(self.longest_gap_s, now - last)
            last = now
            self.chunks += 1

    async def _read(self) -> None:
        async for message in self.client.messages():
            self.messages.append(json.dumps(message))

    @property
    def is_told(self) -> bool:
        """Whether the server has announced that it stops."""
        return any("about to stop" in message for message in self.messages)

    async def echoes_input(self, text: str) -> bool:
        """Return whether an input comes back as an output, through routes of any replica."""

        async def read() -> bool:
            async for output in self.client.outputs("/outputs"):
                return output == text
            return False

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.2)
        await self.client.set_inputs("/input", {"text": text})
        return await asyncio.wait_for(reading, 20)

    async def is_alive(self) -> bool:
        """Return whether audio comes back now."""
        before = self.chunks
        await asyncio.sleep(1.5)
        return self.client.error is None and self.chunks > before

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await self.client.close()


async def until(condition: Callable[[], Awaitable[Any]], timeout_s: float = 90) -> Any:
    """Wait until a condition is true, and return its value."""
    end = time.monotonic() + timeout_s
    while not (value := await condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{condition} is not true after {timeout_s} s: {states()}")
        await asyncio.sleep(0.5)
    return value


def states() -> dict[str, int]:
    return serve.status().applications["voice"].deployments["fastrtc"].replica_states


async def have(**wanted: int) -> bool:
    return await asyncio.to_thread(states) == wanted


async def connections() -> dict[int, tuple[str, list[str]]]:
    """Return the node of Ray and the connections of each replica, by process."""
    found = {}
    async with httpx.AsyncClient(base_url=URL) as client:
        for _ in range(20):
            who = (await client.get("/who")).json()
            found[who["process"]] = who["node"], who["connections"]
    return found


async def scenario() -> dict[str, Any]:
    result: dict[str, Any] = {"before": await asyncio.to_thread(states)}
    first = [await Call().connect() for _ in range(4)]
    first.append(await Call("websocket").connect())
    await until(lambda: have(RUNNING=2))
    result["nodes"] = len({node for node, _ in (await connections()).values()})

    # Calls over both transports on both replicas, whose requests reach any of them
    calls = list(first)

    async def both_have_calls() -> bool:
        found = await connections()
        here = [[call for call in calls if call.client.id in ids] for _, ids in found.values()]
        for transport in ("webrtc", "websocket"):
            served = [any(call.transport == transport for call in one) for one in here]
            if len(found) < 2 or not all(served):
                calls.append(await Call(transport).connect())
                return False
        return True

    await until(both_have_calls)
    result["calls"] = len(calls)
    over_webrtc = [call for call in calls if call.transport == "webrtc"]
    result["echoed"] = [
        await call.echoes_input(f"to {number}") for number, call in enumerate(over_webrtc)
    ]

    # One of each on both replicas: few enough for one replica
    kept = []
    for _, ids in (await connections()).values():
        here = [call for call in calls if call.client.id in ids]
        kept += {call.transport: call for call in here}.values()
    for call in calls:
        if call not in kept:
            await call.close()
    await until(lambda: have(RUNNING=1, STOPPING=1))
    begun = time.monotonic()
    alive = []
    while time.monotonic() < begun + DRAIN_LIMIT_S - 10:
        alive += await asyncio.gather(*(call.is_alive() for call in kept))
    result["alive_while_stopping"] = alive
    result["states_while_stopping"] = await asyncio.to_thread(states)
    [left] = [ids for _, ids in (await connections()).values()]
    stopping = [call for call in kept if call.client.id not in left]
    others = [call for call in kept if call.client.id in left]
    result["told"] = [call.is_told for call in stopping], [call.is_told for call in others]
    result["new_calls_go_to_the_other"] = await elsewhere(left)
    for call in stopping:
        await call.close()
    closed = time.monotonic()
    await until(lambda: have(RUNNING=1))
    result["stopped_after_its_last_call_s"] = round(time.monotonic() - closed, 1)
    result["others_are_alive"] = await asyncio.gather(*(call.is_alive() for call in others))
    result["longest_gap_s"] = round(max(call.longest_gap_s for call in kept), 2)

    # Calls that do not end are ended
    begun = time.monotonic()
    deleting = asyncio.create_task(asyncio.to_thread(serve.delete, "voice"))
    lasted = []
    for call in others:
        await asyncio.wait_for(call.client.wait_closed(), 2 * DRAIN_LIMIT_S)
        lasted.append(round(time.monotonic() - begun, 1))
    await deleting
    result["drain_limit_s"], result["lasted_s"] = DRAIN_LIMIT_S, lasted
    result["deleted_after_s"] = round(time.monotonic() - begun, 1)
    result["told_at_the_end"] = [call.is_told for call in others]
    for call in others:
        await call.close()
    return result


async def elsewhere(left: list[str]) -> bool:
    """Return whether a new call is served by the replica that is not being stopped."""
    call = await Call().connect()
    try:
        [(_, ids)] = (await connections()).values()
        return call.client.id in ids and call.client.id not in left
    finally:
        await call.close()


def main() -> None:
    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        ray.init(address=cluster.address, log_to_driver="-v" in sys.argv)
        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": PORT})
        deployment = fastrtc.ray.deployment(
            build,
            target_sessions=4,
            max_replicas=2,
            drain_limit=DRAIN_LIMIT_S,
            ray_actor_options={"num_cpus": 1},  # one for each node
            health_check_period_s=1,
            autoscaling_config={"downscale_delay_s": 3.0, "look_back_period_s": 4.0},
        )
        serve.run(deployment.bind(), name="voice", route_prefix="/")
        print(json.dumps(asyncio.run(scenario())))
    finally:
        serve.shutdown()
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main()
