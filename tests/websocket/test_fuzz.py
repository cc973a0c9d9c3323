"""Any sequence of messages leaves the server serving, and nothing of its connection behind."""

import asyncio
import base64
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.websocket.served import Echo, Served, serve, sine, wait_until

EXAMPLES = 40

audio_options = st.fixed_dictionaries(
    {},
    optional={
        "encoding": st.sampled_from(["pcm16", "mulaw", "opus", 1]),
        "input_sample_rate": st.sampled_from([8000, 24000, 44100, 48000, 0, "8000"]),
        "output_sample_rate": st.sampled_from([8000, 24000, 48000, 44111, None]),
        "binary": st.sampled_from([True, False, "yes"]),
    },
)
starts = st.fixed_dictionaries(
    {"event": st.just("start")},
    optional={"websocket_id": st.sampled_from(["a", "b", "", 1, None]), "audio": audio_options},
)
payloads = st.binary(max_size=2000).map(lambda raw: base64.b64encode(raw).decode())
media = st.builds(
    lambda payload: {"event": "media", "media": {"payload": payload}},
    payloads | st.text(max_size=10) | st.none(),
)
others = st.sampled_from(["ping", "stop", "media", "start", "clear", "", None]).map(
    lambda event: {"event": event}
)
messages = st.lists(
    (starts | media | others).map(json.dumps) | st.text(max_size=20) | st.binary(max_size=100),
    max_size=12,
)


async def assert_survives(served: Served, sequence: list[str | bytes], vanishes: bool) -> None:
    async with served.client() as client:
        try:
            for message in sequence:
                await client.send(message)
            if vanishes:
                client.socket.transport.abort()
        except ConnectionClosed:
            pass
    async with served.client() as client:
        await client.start("well-behaved", encoding="pcm16")
        await client.say(sine(0.02))
        await client.hear(0.02)
    await served.is_empty()


def test_any_sequence_of_messages_leaves_the_server_serving(caplog: Any) -> None:
    echo = Echo()

    async def run_all(sequences: list[tuple[list[str | bytes], bool]]) -> None:
        async with serve(echo, concurrency_limit=2) as served:
            for sequence, vanishes in sequences:
                await assert_survives(served, sequence, vanishes)
            await wait_until(lambda: all(one.shutdowns == 1 for one in echo.copies))
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert not [task for task in others if task.get_name().startswith("fastrtc")]

    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
    @given(messages, st.booleans())
    def survives(sequence: list[str | bytes], vanishes: bool) -> None:
        asyncio.run(run_all([(sequence, vanishes)]))

    survives()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
