"""Networks that lose, swap, double and delay packets, in both directions."""

from typing import Any

import numpy as np
import pytest

from fastrtc import Stream
from tests.support.connections import connections_of
from tests.support.peers import (
    LOCAL,
    AudioSource,
    Client,
    Network,
    VideoSource,
    eventually,
    shape_network,
    tone,
)
from tests.support.stalls import Stalls
from tests.webrtc.handlers import (
    RATE,
    AsyncAudioEcho,
    flip,
    frequency,
    is_blue_on_top,
    steps,
)

STEPS, STEP_S = 10, 0.2
LADDER = steps(STEPS, STEP_S)  # 400, 600, ... Hz


def rungs(samples: np.ndarray, rate: int) -> list[int]:
    """Which step each 40 ms hold, without those between two."""
    found: list[int] = []
    size = rate // 25
    for start in range(0, len(samples) - size, size):
        window = samples[start : start + size]
        if np.sqrt(np.mean(window.astype(float) ** 2)) < 3000:
            continue
        rung = (frequency(np.pad(window, (0, rate)), rate) - 400) / 200
        if abs(rung - round(rung)) < 0.15:
            found.append(round(rung))
    return found


def assert_in_order(samples: np.ndarray, rate: int, missing: int) -> None:
    """Almost all steps are there, none comes again after the next one has begun."""
    found = rungs(samples, rate)
    assert found == sorted(found)
    assert len(set(found)) >= STEPS - missing


NETWORKS: dict[str, dict[str, Any]] = {
    "loss": {"lose_every": 10},
    "swaps": {"swap_every": 5},
    "duplicates": {"double_every": 3},
    "jitter": {"late_every": 4, "late_by": 0.025},
    "all": {
        "lose_every": 20,
        "swap_every": 7,
        "double_every": 6,
        "late_every": 11,
        "late_by": 0.04,
    },
}


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
async def test_speech_over_a_bad_network(options: dict[str, Any]) -> None:
    stream = Stream(AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL)
    source = AudioSource(np.concatenate([np.zeros(RATE // 2, np.int16), LADDER]))
    stalls = Stalls()
    stalls.watch()
    async with Client(stream, audio=source) as client:
        there, back = Network(**options), Network(**options)
        client.shape_network(there)
        shape_network(stream.pcs[client.webrtc_id], back)
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: source.sent > len(source.samples) + RATE // 2)
        await eventually(lambda: back.sent > 0.8 * STEPS * STEP_S / 0.02)
        await eventually(lambda: client.audio_frames and np.abs(client.heard()[-480:]).max() < 300)
    stalls.end()
    assert there.sent > 110
    spoken = len(LADDER) / RATE
    stalled_s = stalls.total()
    more = int(stalled_s / STEP_S)
    assert_in_order(mine.samples(), 24000, missing=more)
    # aiortc's buffer drops what comes in bursts
    assert_in_order(client.heard(), RATE, missing=5 + more)
    # what is lost is replaced by silence: the rest keeps its place in time
    (loud,) = np.nonzero(np.abs(mine.samples().astype(int)) > 2000)
    assert (loud[-1] - loud[0]) / 24000 == pytest.approx(
        spoken, abs=0.12 + stalls.longest(-np.inf, np.inf)
    )
    # and most of it is there
    share = 0.8 if "lose_every" in options else 0.93
    windows = mine.samples()[loud[0] : loud[-1]]
    windows = windows[: len(windows) // 480 * 480].reshape(-1, 480)
    heard = np.sqrt(np.mean(windows.astype(float) ** 2, axis=1)) > 3000
    assert heard.mean() > share - stalled_s / spoken


async def test_late_packets_are_waited_for_longer() -> None:
    """Later than the buffer waits at first: it learns, and then loses none."""
    stream = Stream(AsyncAudioEcho(), modality="audio", mode="send", server_rtc_configuration=LOCAL)
    source = AudioSource(tone(4.0))
    stalls = Stalls()
    stalls.watch()
    async with Client(stream, audio=source) as client:
        await eventually(lambda: source.sent > RATE // 5)
        client.shape_network(Network(late_every=6, late_by=0.07))
        buffer = connections_of(stream).peers[client.webrtc_id]._rtp.receivers[0]._buffer
        at_first = buffer.wait_s
        await eventually(lambda: source.sent > 3 * RATE)
        assert buffer.wait_s > max(at_first, 0.05)
        lost = buffer.lost
        await eventually(lambda: source.sent > 4 * RATE)
        stalls.end()
        stalled = int(stalls.total() / 0.02)  # packets that came late by that
        assert buffer.lost - lost <= 3 + stalled  # of 50 of which 8 came late
        assert lost <= 6 + stalled


async def test_video_over_a_network_that_loses() -> None:
    stream = Stream(flip, server_rtc_configuration=LOCAL)
    async with Client(stream, video=VideoSource(fps=15)) as client:
        client.shape_network(Network(lose_every=10, swap_every=7))
        shape_network(stream.pcs[client.webrtc_id], Network(lose_every=10, double_every=5))
        await eventually(lambda: len(client.video_frames) >= 15)
        assert is_blue_on_top(client.video_frames[-1][1])


async def test_messages_over_a_network_that_loses_everything_twice() -> None:
    """What a data channel carries comes through: SCTP sends it again."""
    stream = Stream(AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL)
    count = 0

    async def lossy(send: Any, data: bytes) -> None:
        nonlocal count
        count += 1
        if count % 3:
            await send(data)

    async with Client(stream, audio=AudioSource()) as client:
        await eventually(lambda: client.channel.readyState == "open")
        client.shape_network(lossy)
        shape_network(stream.pcs[client.webrtc_id], lossy)
        for number in range(5):
            client.channel.send(f"message {number}")
        for number in range(5):
            await client.message("log", f"Server received: message {number}")
