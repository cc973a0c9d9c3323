"""Reports of the state, also to a client that sends no audio."""

import asyncio
import json
import threading

from fastrtc.handlers.link import HandlerLink
from fastrtc.turns.state_reports import StateReports
from fastrtc.turns.transitions import State
from tests.support.peers import eventually


class Playing:
    """Plays audio of a length, and looks at it as a conversation does."""

    def __init__(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        self.told: list[str] = []
        self.state = State.LISTENING
        self.link = HandlerLink(0, loop=loop, queued_s=lambda: max(0.0, ends - loop.time()))
        self.link.post = lambda text: self.told.append(json.loads(text)["data"]["state"])
        self.reports = StateReports(self.link, self.observe)
        self.looked = 0

    def observe(self) -> None:
        self.looked += 1
        state = State.SPEAKING if self.link.queued_s() > 0 else State.LISTENING
        if state is not self.state:
            self.state = state
            self.reports.changed(state)


async def test_the_end_of_the_audio_is_noticed_without_audio_of_the_client() -> None:
    playing = Playing(0.2)
    playing.reports.tells_client = True
    playing.observe()
    await eventually(lambda: playing.state is State.LISTENING)
    assert playing.told == ["speaking", "listening"]
    assert playing.looked < 10


async def test_a_change_in_another_thread() -> None:
    playing = Playing(0.2)
    states: list[State] = []
    playing.reports.hooks.append(states.append)
    thread = threading.Thread(target=playing.observe)
    thread.start()
    await asyncio.to_thread(thread.join)
    await eventually(lambda: playing.state is State.LISTENING)
    assert states == [State.SPEAKING, State.LISTENING]
    assert playing.told == []


async def test_it_does_not_look_for_ever_at_audio_that_is_not_played() -> None:
    playing = Playing(10)
    playing.link.queued_s = lambda: 0.05
    playing.reports.tells_client = True
    playing.observe()
    await eventually(lambda: playing.looked == 2)
    await asyncio.sleep(0.2)
    assert playing.looked == 2


async def test_nothing_is_looked_at_if_no_part_needs_it_or_the_connection_has_ended() -> None:
    playing = Playing(0.05)
    playing.observe()
    await asyncio.sleep(0.2)
    assert playing.looked == 1
    playing = Playing(0.05)
    playing.reports.tells_client = True
    playing.observe()
    playing.reports.close()
    await asyncio.sleep(0.2)
    assert playing.looked == 1
