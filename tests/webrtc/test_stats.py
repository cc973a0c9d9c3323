"""The figures of connections, over each transport."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastrtc import ConnectionStats, Stream
from fastrtc.core.close_reason import ConnectionEnd
from fastrtc.core.context import Context
from fastrtc.core.loop_lag import PERIOD_S
from fastrtc.testing import Call
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.stalls import Stalls
from tests.testing.programs import audio_stream
from tests.testing.programs import tone as beep
from tests.webrtc.handlers import AsyncAudioEcho


async def test_over_webrtc_rtcp_and_ice_tell_them() -> None:
    ends: list[ConnectionEnd] = []

    def disconnected(context: Context, end: ConnectionEnd) -> None:
        ends.append(end)

    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        server_rtc_configuration=LOCAL,
        on_disconnect=disconnected,
    )
    stalls = Stalls()
    stalls.watch()
    async with Client(stream, audio=AudioSource(tone(10))) as client:
        id = client.webrtc_id

        def measured() -> bool:
            stats = stream.stats(id)
            return stats.round_trip_s is not None and stats.loss_out is not None

        await eventually(measured)
        await asyncio.sleep(PERIOD_S)
        stats = await asyncio.to_thread(stream.stats, id)
    stalls.end()
    late_s = stalls.single()
    assert (stats.webrtc_id, stats.transport, stats.codec) == (id, "webrtc", "opus")
    assert (stats.candidate_type, stats.protocol) == ("host", "udp")
    assert stats.connected_s > 0.5
    assert stats.round_trip_s is not None and 0 <= stats.round_trip_s < 0.5 + late_s
    assert stats.jitter_s is not None and 0 <= stats.jitter_s < 0.1 + late_s
    assert stats.packets_received is not None and stats.packets_received > 20
    assert (stats.packets_lost, stats.loss_in, stats.loss_out) == (0, 0.0, 0.0)
    assert (stats.concealed_s, stats.frames_dropped_in, stats.frames_dropped_out) == (0.0, 0, 0)
    assert stats.bytes_received > 1000 and stats.bytes_sent > 1000
    assert stats.loop_lag_s is not None and stats.loop_lag_s < 1.0 + late_s
    await eventually(lambda: bool(ends))
    last = ends[0].stats
    assert last is not None
    assert last.bytes_received >= stats.bytes_received and last.connected_s >= stats.connected_s
    assert last.loop_lag_s is not None
    with pytest.raises(LookupError):
        stream.stats(id)


@pytest.mark.parametrize(("over", "codec"), [("websocket", "pcm16"), ("twilio", "mulaw")])
async def test_over_sockets_the_audio_is_counted(over: Any, codec: str) -> None:
    stream = audio_stream(AsyncAudioEcho())
    async with Call(stream, over) as call:
        await call.say((24_000, beep(0.5)))
        await call.reply()
        stats = stream.stats(next(iter(stream.handlers)))
    transport = "telephone" if over == "twilio" else "websocket"
    assert (stats.transport, stats.codec, stats.protocol) == (transport, codec, "tcp")
    bytes_per_s = 8000 if over == "twilio" else 96_000
    assert stats.bytes_received > 0.4 * bytes_per_s and stats.bytes_sent > 0
    assert stats.packets_lost is None and stats.candidate_type is None


async def test_lost_packets_are_counted_and_concealed() -> None:
    stream = audio_stream(AsyncAudioEcho())
    async with Call(stream, "webrtc", loss=0.2, seed=3) as call:
        await call.say((24_000, beep(2.0)))
        stats = stream.stats(next(iter(stream.handlers)))
    assert isinstance(stats, ConnectionStats)
    assert stats.packets_lost and stats.loss_in is not None and 0.05 < stats.loss_in < 0.4
    assert 0.02 < stats.concealed_s < 2.0


def test_an_unknown_connection_has_none() -> None:
    with pytest.raises(LookupError, match="nobody"):
        audio_stream(AsyncAudioEcho()).stats("nobody")
