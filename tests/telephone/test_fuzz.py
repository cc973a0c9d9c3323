"""Whatever comes over the socket of a call, the server goes on, and nothing is left of it."""

import json
import threading
import time
from typing import Any

import websockets.sync.client
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from fastrtc import AsyncStreamHandler, Stream
from tests.support.connections import connections_of
from tests.support.servers import serving
from tests.telephone.phone import Plivo, Provider, Telnyx

EXAMPLES = 60
PROVIDERS = [provider("fuzz") for provider in (Provider, Telnyx, Plivo)]
GOOD = [
    message
    for provider in PROVIDERS
    for message in (
        *provider.opening(),
        provider.media("/38=" * 40),
        provider.dtmf("5"),
        provider.played("m"),
        {"event": "stop"},
    )
]
STARTS = [provider.opening()[-1] for provider in PROVIDERS]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=5,
)


@st.composite
def bent(draw: st.DrawFn) -> dict[str, Any]:
    """A message with something else in one place."""
    message = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    place = message
    while True:
        key = draw(st.sampled_from(sorted(place)))
        if isinstance(place[key], dict) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        place[key] = draw(JSON)
        return message


MESSAGES = st.one_of(
    st.sampled_from(GOOD).map(json.dumps),
    bent().map(json.dumps),
    st.text(max_size=20),
    st.binary(max_size=20),
)


class Counted(AsyncStreamHandler):
    begun: list["Counted"] = []

    def __init__(self) -> None:
        super().__init__(input_sample_rate=8000, output_sample_rate=8000)
        self.shutdowns = 0

    def copy(self) -> "Counted":
        self.begun.append(made := Counted())
        return made

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None: ...

    async def shutdown(self) -> None:
        self.shutdowns += 1


def test_no_messages_stop_the_server_or_leave_anything_behind():
    stream = Stream(Counted(), modality="audio", verbose=False, concurrency_limit=3)
    app = FastAPI()
    stream.mount(app)
    with serving(app, log_level="critical") as url:
        socket_url = url.replace("http", "ws") + "/telephone/handler"

        @settings(
            max_examples=EXAMPLES,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(st.lists(MESSAGES, max_size=6), st.booleans())
        def run(messages: list[str | bytes], starts: bool) -> None:
            with websockets.sync.client.connect(socket_url) as socket:
                try:
                    if starts:
                        socket.send(json.dumps(STARTS[len(messages) % 3]))
                    for message in messages:
                        socket.send(message)
                except ConnectionClosed:
                    pass

        run()

        assert _within(30, lambda: len(connections_of(stream).registry) == 0)
        assert _within(30, lambda: all(handler.shutdowns == 1 for handler in Counted.begun))
        assert Counted.begun, "no call ever began"
        for by_id in (stream.handlers, stream.connections, stream.additional_outputs):
            assert by_id == {}
        assert _within(30, lambda: not _session_threads()), _session_threads()
        with websockets.sync.client.connect(socket_url) as socket:  # it still serves
            socket.send(json.dumps(STARTS[0]))
            assert _within(30, lambda: "fuzz" in stream.handlers)
        assert _within(30, lambda: len(connections_of(stream).registry) == 0)


def _session_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("fastrtc-")]


def _within(seconds: float, condition: Any) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
