"""Audio waits while a client that is silent does not answer either."""

import asyncio

import pytest

from fastrtc.transport.webrtc.outages import ANSWER_S, watch_outages
from tests.support.virtual_time import virtual_time


class Client:
    """A client in virtual time, whose network is away within *outage*."""

    def __init__(
        self,
        every_s: float,
        outage: tuple[float, float] = (0.0, 0.0),
        *,
        round_trip_s: float = 0.02,
        known: bool = True,
        loses: int = 0,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.heard_at: float | None = None
        self.asked = 0
        self.happened: list[tuple[str, float, float]] = []
        self._every_s = every_s
        self._round_trip_s = round_trip_s
        self._known = known
        self._loses = loses
        self._outage = outage
        self._ended = False

    @property
    def now(self) -> float:
        return self.loop.time() - self.began

    @property
    def away(self) -> bool:
        return self._outage[0] <= self.now < self._outage[1]

    def _hear(self) -> None:
        if not self.away:
            self.heard_at = self.loop.time()

    async def _ask(self) -> None:
        self.asked += 1
        if self._loses and self.asked % (self._loses + 1):
            return
        self.loop.call_later(self._round_trip_s, self._hear)
        await asyncio.sleep(ANSWER_S if self.away else min(ANSWER_S, self._round_trip_s))

    def _release(self, heard_at: float) -> None:
        self.happened.append(("release", self.now, heard_at - self.began))

    async def run(self, seconds: float) -> None:
        watching = asyncio.ensure_future(
            watch_outages(
                lambda: self.heard_at,
                self._ask,
                lambda: self.happened.append(("hold", self.now, 0.0)),
                self._release,
                lambda: self._ended,
                lambda: self._round_trip_s if self._known else None,
            )
        )
        while self.now < seconds:
            self._hear()
            await asyncio.sleep(self._every_s)
        self._ended = True
        await watching


@virtual_time
async def test_a_client_that_talks_is_never_asked():
    client = Client(0.02)

    await client.run(5.0)

    assert client.asked == 0
    assert client.happened == []


@virtual_time
async def test_a_silent_client_that_answers_is_there():
    client = Client(10.0)

    await client.run(20.0)

    assert 20 < client.asked < 60
    assert client.happened == []


@virtual_time
@pytest.mark.parametrize(
    "client_is",
    [
        {"round_trip_s": 0.8},
        {"round_trip_s": 1.2, "known": False},
        {"loses": 2},
    ],
)
async def test_the_audio_of_a_distant_or_lossy_client_that_only_listens_does_not_wait(client_is):
    client = Client(3.0, **client_is)

    await client.run(30.0)

    assert client.asked > 10
    assert client.happened == []


@virtual_time
async def test_the_audio_waits_during_an_outage():
    client = Client(0.02, (2.0, 5.0))

    await client.run(8.0)

    (hold, held_at, _), (release, released_at, heard_at) = client.happened
    assert (hold, release) == ("hold", "release")
    assert 2.9 < held_at < 3.2
    assert 5.0 <= released_at < 5.1
    assert 1.95 < heard_at <= 2.0


@virtual_time
async def test_a_connection_that_ends_during_an_outage_is_not_released():
    client = Client(0.02, (1.0, 9.0))

    await client.run(4.0)

    assert [what for what, _, _ in client.happened] == ["hold"]
