"""What the programs of `docs/latency.md` say about turns and connections."""

import re
from typing import Any

import httpx
import pytest

from fastrtc import ConnectionStats
from fastrtc.testing import Call
from tests.support.models import StreamingEnergy
from tests.support.peers import AudioSource, eventually
from tests.support.speech import speech, trimmed

from .over_http import HttpClient


async def test_the_parts_of_a_turn_are_printed(
    snippet: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = snippet("latency/turns.py").stream
    stream.event_handler.model = StreamingEnergy()
    async with Call(stream) as call:
        await call.say((48_000, trimmed(speech("Hello, who is there?"))))
        await call.finish()
    printed = capsys.readouterr().out
    assert (found := re.search(r"turn 1: silence of (\d\.\d\d) s\n", printed))
    parts = dict(re.findall(r"  (\w+): (\d\.\d+) s\n", printed))
    assert [*parts] == ["end_of_turn", "handler", "first_audio", "playout", "heard"]
    assert sum(map(float, parts.values())) == pytest.approx(float(found[1]), abs=0.03)


async def test_the_figures_of_a_connection(
    snippet: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    module = snippet("latency/figures.py")
    transport = httpx.ASGITransport(module.app)
    async with HttpClient(module.app, module.stream, audio=AudioSource()) as client:

        def counted() -> bool:
            stats = module.stream.stats(client.webrtc_id)
            assert isinstance(stats, ConnectionStats)
            return bool(stats.packets_received)

        await eventually(counted)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            found = await http.get(f"/quality/{client.webrtc_id}")
            assert found.json()["route"] == "udp" and found.json()["loss"] == 0
            assert (await http.get("/quality/unknown")).status_code == 404
    printed = ""

    def told() -> bool:
        nonlocal printed
        printed += capsys.readouterr().out
        return "webrtc: 0.0% of the packets" in printed

    await eventually(told)
