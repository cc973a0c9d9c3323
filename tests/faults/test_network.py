"""A bad network: packets lost, late, out of order, and a cable that is pulled for 5 s."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from fastrtc import Stream
from fastrtc.transport.webrtc._aiortc import consent
from tests.faults.relay import Faults, Relay, RelayedClient, relay
from tests.support.bystander import MachineStalls
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, eventually
from tests.support.stalls import Stalls
from tests.webrtc.handlers import RATE, AsyncAudioEcho, frequency, steps

STEPS, STEP_S = 20, 0.2
LOWEST, BETWEEN = 300.0, 30.0  # Hz
LADDER = steps(STEPS, STEP_S, LOWEST, BETWEEN)  # tells which 0.2 s of every 4 s is heard
SPEAKS_S = 16
RATE_IN = 24000  # Hz, of the handler
CLICK = 3000  # from one sample to the next: the highest tone makes 1800, a cut one up to 8000
AROUND_S = 0.4  # by how much more or less is heard than was said
USUAL_S = 0.7  # 0.05 s, and some room; the 5 s of a cut would count as 1


class Call:
    """A client that speaks without a pause, and hears itself."""

    def __init__(self, stream: Stream, client: RelayedClient) -> None:
        self.stream = stream
        self.client = client
        self.relay: Relay = client.relay
        self.handler: Any = stream.handlers[client.webrtc_id]
        self.source: Any = client.pc.getSenders()[0].track
        self._stalls = MachineStalls()
        self.late = Stalls()
        self.late.watch()

    async def goes_on(self, seconds: float) -> float:
        """Speak on for so long; give when that began, on the loop's clock."""
        began = asyncio.get_running_loop().time()
        until = self.source.sent + round(seconds * RATE)
        await eventually(lambda: self.source.sent >= until)
        return began

    def delays(self, since: float) -> list[float]:
        """How late each step of the ladder came back, in seconds, of those heard since then."""
        delays: dict[tuple[int, int], float] = {}
        for at, samples, _ in self.client.loud(3000):
            rung = (frequency(np.pad(samples, (0, RATE // 2))) - LOWEST) / BETWEEN
            if at < since or abs(rung - round(rung)) > 0.15 or not 0 <= round(rung) < STEPS:
                continue
            begins = self.source.started_at + round(rung) * STEP_S
            cycle = int((at - begins) // (STEPS * STEP_S))
            late = at - begins - cycle * STEPS * STEP_S
            delays.setdefault((cycle, round(rung)), late)  # of the first that was heard of it
        return list(delays.values())

    async def assert_usual_delay(self, since: float) -> None:
        """Steps come back soon, and the server keeps little that is to be sent.

        That is, but for what was late because the machine was busy with something else.
        """
        for _ in range(10):
            if len(delays := self.delays(since)) >= 5:
                break
            await self.goes_on(0.4)
        assert len(delays) >= 5
        usual = USUAL_S + self._stalls.so_far()
        assert np.median(delays) < usual
        media = connections_of(self.stream).media[self.client.webrtc_id]
        assert media.audio_out is not None and media.audio_out.playout is not None
        assert media.audio_out.playout.queued_s < usual

    def heard_since(self, sample: int) -> np.ndarray:
        """What the handler got, from a sample on."""
        return self.handler.samples()[sample:].astype(int)

    async def heard_for(self, seconds: float, sample: int) -> np.ndarray:
        """Wait for so much of what the handler gets from a sample on, and return it.

        It is no more than was said meanwhile, but for what the machine had held up before.
        """
        enough = (seconds - AROUND_S) * RATE_IN
        await eventually(lambda: len(self.handler.samples()) - sample >= enough)
        heard = self.heard_since(sample)
        assert len(heard) / RATE_IN < seconds + AROUND_S + self._stalls.so_far()
        return heard

    def silent_by_stalls(self, since: float) -> float:
        """Return which part of the time since then may be silent because the loop was late."""
        now = asyncio.get_running_loop().time()
        return min(0.3, self.late.total(since, now) / (now - since))

    async def is_silent(self) -> None:
        """Wait until the client has received nothing for a while."""
        loop = asyncio.get_running_loop()
        count, since = -1, loop.time()
        deadline = since + 4.0
        while loop.time() < since + 0.5:
            assert loop.time() < deadline, "it is not silent"
            if len(self.client.audio_frames) != count:
                count, since = len(self.client.audio_frames), loop.time()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def calling() -> AsyncIterator[Call]:
    """Connect over a good network, and speak until it is heard."""
    stream = Stream(
        AsyncAudioEcho(), modality="audio", mode="send-receive", server_rtc_configuration=LOCAL
    )
    source = AudioSource(np.tile(LADDER, round(SPEAKS_S / STEPS / STEP_S)))
    async with relay() as through, RelayedClient(stream, through, audio=source) as client:
        await eventually(lambda: len(client.loud()) >= 20)
        call = Call(stream, client)
        yield call
        call.late.end()
        through.faults = Faults()
        assert client.states == ["connecting", "connected"]
        assert not client.of_type("error")
        await client.close()  # while the relay is there
        await client.over()
    assert call.handler.calls == ["start_up", "shutdown"]
    assert len(connections_of(stream).registry) == 0


def steepness(samples: np.ndarray) -> int:
    """The greatest step from one sample to the next: what clicks."""
    return int(np.abs(np.diff(samples)).max())


def loud_part(samples: np.ndarray) -> float:
    """In how many of its 20 ms there is sound."""
    frames = samples[: len(samples) // 480 * 480].reshape(-1, 480)
    return float(np.mean(np.sqrt(np.mean(frames.astype(float) ** 2, axis=1)) > 2000))


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
async def test_loss(loss: float) -> None:
    """Most is heard, in its time; nothing clicks, nothing gathers."""
    async with calling() as call:
        before = len(call.handler.samples())
        call.relay.faults, call.relay.lost = Faults(loss=loss), 0
        began = await call.goes_on(3.0)
        heard = await call.heard_for(3.0, before)
        assert call.relay.lost > 0
        assert steepness(heard) < CLICK
        assert loud_part(heard) > 1 - 2 * loss - 0.05 - call.silent_by_stalls(began)
        await call.assert_usual_delay(began)


async def test_reordering() -> None:
    """What was overtaken is waited for: the handler misses nothing."""
    async with calling() as call:
        before = len(call.handler.samples())
        call.relay.faults = Faults(swap=0.2)
        began = await call.goes_on(3.0)
        heard = await call.heard_for(3.0, before)
        assert loud_part(heard) > 0.9 - call.silent_by_stalls(began)
        await call.assert_usual_delay(began)


async def test_jitter_of_100_ms() -> None:
    """It adds about as much to the delay as packets come late, and no more as time goes on."""
    async with calling() as call:
        call.relay.faults = Faults(jitter_s=0.1)
        before = len(call.handler.samples())
        began = await call.goes_on(3.0)
        heard = call.heard_since(before)
        assert loud_part(heard) > 0.85 - call.silent_by_stalls(began)
        assert steepness(heard) < CLICK
        await call.assert_usual_delay(began)
        call.relay.faults = Faults()
        await call.assert_usual_delay(await call.goes_on(2.0))


async def test_a_peer_far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way of 0.4 s in each direction, as over a satellite: nobody counts as gone."""
    monkeypatch.setattr(consent, "CONSENT_INTERVAL_S", 0.2)
    monkeypatch.setattr(consent, "CONSENT_EXPIRES_S", 3.0)
    async with calling() as call:
        call.relay.faults = Faults(delay_s=0.4)
        before = len(call.handler.samples())
        began = await call.goes_on(5.0)
        heard = call.heard_since(before)
        assert loud_part(heard) > 0.85 - call.silent_by_stalls(began)
        call.relay.faults = Faults()


async def test_a_cut_of_5_s() -> None:
    """The connection survives it, and what was said meanwhile is not played afterwards."""
    async with calling() as call:
        call.relay.faults = Faults(cut=True)
        await call.is_silent()  # after what was under way
        call.client.channel.send("into the dark")
        cut = len(call.client.audio_frames)
        await asyncio.sleep(4.5)
        assert len(call.client.audio_frames) <= cut + 5
        call.relay.faults = Faults()
        began = await call.goes_on(2.0)
        await call.assert_usual_delay(began)
        await call.client.message("log", "Server received: into the dark")  # SCTP sends it again
