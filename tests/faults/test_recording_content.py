"""Recordings over networks, by their content: what was said and heard, and where it ends.

Each moment of what the caller and the program say is recognizable, so that a busy machine, on which
audio is late and has gaps, changes nothing of what must be in a recording. Only the check that both
sides are in step compares times; the stalls of the two event loops are allowed there.
"""

import asyncio
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from fastrtc import Context, Interruptions, Recorder
from fastrtc.testing import Call
from tests.recording.content import Content, Found, Reference, find
from tests.recording.sound import RATE, read
from tests.session.recorded import recorded
from tests.session.test_recording import sides
from tests.support.stalls import Stalls
from tests.testing.programs import RATE as PROGRAM_RATE

SAID, STORY, ANSWER = Content(3, 1), Content(20, 2), Content(0.6, 3)
QUESTION, COUGH, VOICE = (0.0, 0.6), (1.0, 1.15), (2.0, 2.8)
"""What the caller says: from where to where in the content, in seconds."""

TIMES = 3
"""How often the story is told, unless it is interrupted: on a busy machine that takes its time."""

REPLY_LIMIT_S = 30.0

EDGE_S = 0.03
"""How much a codec makes unrecognizable where sound begins or ends, in seconds."""

LEAD_S = 0.16
"""How much audio a server sends ahead over a socket, in seconds. A client that gets no CPU time may
have played it before it knows that it is to be dropped."""

SAME_S = 0.06
"""Up to this distance in the content a part continues the one before, in seconds: a packet that was
lost costs as much."""


class Program:
    """Tells a long story, and gives a short answer to the voice that interrupts it."""

    def __init__(self, path: Path) -> None:
        self.heard: list[NDArray[np.int16]] = []  # at 48 kHz
        self.stalls = Stalls()
        self.stream = recorded(
            self.reply,
            Recorder(path / "{transport}.wav"),
            interruptions=Interruptions(),
            on_connect=self.connected,
        )

    async def connected(self, context: Context) -> None:
        self.stalls.watch(servers=False)

    def reply(self, audio: tuple[int, NDArray[np.int16]]) -> Iterator[Any]:
        rate, samples = audio
        self.heard.append(np.repeat(samples.reshape(-1), RATE // rate))
        asked = [part.from_s for part in find(self.heard[-1], SAID)]
        if max(asked, default=0) > VOICE[0] - 0.5:
            said = ANSWER.samples(PROGRAM_RATE)
        else:
            said = np.tile(STORY.samples(PROGRAM_RATE), TIMES)
        for start in range(0, len(said), PROGRAM_RATE // 2):
            yield PROGRAM_RATE, said[start : start + PROGRAM_RATE // 2]


class Talk(NamedTuple):
    """What was recorded, what the caller said and heard, and the stalls of the event loops."""

    over: str
    program: Program
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    spoken: NDArray[np.int16]
    heard: NDArray[np.int16]
    began: float
    stalls: tuple[Stalls, Stalls]

    def stalled_s(self, start_s: float = -inf, end_s: float = inf) -> float:
        """Return the longest stall of each event loop in a part of the call, added, in seconds."""
        return sum(one.longest(self.began + start_s, self.began + end_s) for one in self.stalls)


@pytest.mark.timeout(240)  # on a busy machine
async def test_over_a_network_both_sides_are_in_step_and_cut(tmp_path: Path) -> None:
    transports = ("webrtc", "websocket", "twilio")
    talks = await asyncio.gather(*(talk(tmp_path / over, over) for over in transports))
    for each in talks:  # after all calls, which it would stall
        check_what_was_said(each)
        check_what_was_heard(each)
        check_that_both_sides_are_in_step(each)


async def talk(path: Path, over: str) -> Talk:
    """A cough pauses the story, and later a voice interrupts it; what was sent is dropped."""
    program, stalls = Program(path), Stalls()
    stalls.watch(servers=False)
    async with Call(program.stream, over) as call:  # type: ignore[arg-type]
        began = asyncio.get_running_loop().time()
        await call.wait(0.5)
        await call.say((RATE, spoken(QUESTION)))
        await call.reply(limit_s=REPLY_LIMIT_S)
        await call.wait(0.6)
        await call.say((RATE, spoken(COUGH)))
        await call.wait(2)
        await ask(call, path / "caller")
    stalls.end()
    program.stalls.end()
    name = {"twilio": "telephone"}.get(over, over) + ".wav"
    both = *read(path / name), *sides(call, path / "caller")
    return Talk(over, program, *both, began, (stalls, program.stalls))


def spoken(part: tuple[float, float]) -> NDArray[np.int16]:
    return SAID.samples()[round(part[0] * RATE) : round(part[1] * RATE)]


def check_what_was_said(talk: Talk) -> None:
    """All that the program heard was recorded, and the cough if the caller has sent all of it.

    What the client has dropped, because it got no CPU time, is in neither.
    """
    for utterance in talk.program.heard:
        loud = np.flatnonzero(np.abs(utterance.astype(int)) > 2000) / RATE
        recorded = contents(talk.left, Reference(utterance))
        assert covers(recorded, (loud[0], loud[-1])), talk.over
    if covers(contents(talk.spoken, SAID), COUGH):
        assert covers(contents(talk.left, SAID), COUGH), talk.over


def check_what_was_heard(talk: Talk) -> None:
    """What the caller heard was recorded, from where to where it heard it.

    Over a socket the rest is dropped, where the client is then: as late as what it heard last.
    """
    over, same_s = talk.over, SAME_S + talk.stalled_s()
    recorded, heard = (contents(side, STORY, same_s) for side in (talk.right, talk.heard))
    starts, ends = ([part[n] for part in recorded] for n in (0, 1))
    assert starts == pytest.approx([part[0] for part in heard], abs=same_s), over
    told_s = sum(ends) - sum(starts)
    assert 1 < told_s < (TIMES - 0.1) * STORY.seconds, "it was interrupted"
    assert covers(contents(talk.right, ANSWER), (0.0, ANSWER.seconds)), over
    over_s = ends[-1] - heard[-1][1]
    if over == "webrtc":
        assert ends == pytest.approx([part[1] for part in heard], abs=0.02)
        return
    recorded_parts, heard_parts = find(talk.right, STORY), find(talk.heard, STORY)
    late, end_s = lateness(recorded_parts, heard_parts), heard_parts[-1].until_s
    late_s = late[-1] - min(late) + talk.stalled_s(end_s - 0.1, end_s + 0.1 + max(0.0, over_s))
    assert over_s < 0.08 + late_s, over
    assert -over_s < 0.05 + min(talk.stalled_s(), LEAD_S + late_s), over


def check_that_both_sides_are_in_step(talk: Talk) -> None:
    """At the end the sides are as far apart as at the caller, and as at the beginning."""
    stalled_s = sum(stalls.total() for stalls in talk.stalls)
    left, spoken = find(talk.left, SAID), find(talk.spoken, SAID)
    said, said_last = later(left[0], spoken[0]), later(left[-1], spoken[-1])
    assert said_last == pytest.approx(said, abs=0.02 + stalled_s), talk.over
    beginnings = [find(talk.heard, content)[0] for content in (STORY, ANSWER)]
    told, answered = (
        later(find(talk.right, content)[0], heard)
        for content, heard in zip((STORY, ANSWER), beginnings, strict=True)
    )
    near_s = 0.02 + sum(talk.stalled_s(one.at_s - 0.4, one.at_s + 0.1) for one in beginnings)
    assert answered == pytest.approx(told, abs=near_s), talk.over
    assert -0.1 < answered - said_last + stalled_s, "the caller hears it a little later"
    assert answered - said_last - stalled_s < 0.02, talk.over


async def ask(call: Call, path: Path) -> None:
    """Interrupt the story, and listen until the answer was heard, however late it is.

    The voice is repeated if much of it was lost on its way, in a client that gets no CPU time.
    """
    for _ in range(8):
        await call.say((RATE, spoken(VOICE)))
        for _ in range(8):
            await call.wait(0.4)
            _, heard = await asyncio.to_thread(sides, call, path)
            since = -min(len(heard), 5 * RATE)
            if covers(contents(heard[since:], ANSWER), (0.0, ANSWER.seconds)):
                return
    raise AssertionError(f"The answer was not heard:\n{call.timeline()}")


Part = tuple[float, float]
"""From where to where in the content, in seconds."""


def contents(samples: NDArray[np.int16], content: Reference, same_s: float = SAME_S) -> list[Part]:
    """Return the parts of the content in a recording, whatever pauses are in or between them.

    Args:
        samples: The recording.
        content: The content.
        same_s: Up to this distance a part continues the one before, in seconds.
    """
    parts: list[Part] = []
    for found in find(samples, content):
        if parts and abs(found.from_s - parts[-1][1]) < same_s:
            parts[-1] = parts[-1][0], found.to_s
        else:
            parts.append((found.from_s, found.to_s))
    return parts


def covers(parts: list[Part], part: Part) -> bool:
    """Return whether a part is in one of several, but for its edges."""
    return any(p[0] < part[0] + EDGE_S and part[1] - EDGE_S < p[1] for p in parts)


def later(recorded: Found, caller: Found) -> float:
    """Return how much later a part is in a recording than at the caller, in seconds."""
    return (recorded.at_s - recorded.from_s) - (caller.at_s - caller.from_s)


def lateness(recorded: list[Found], heard: list[Found]) -> list[float]:
    """Return how much later than recorded the caller has heard each part, at its end."""
    late = []
    for part in heard:
        same = max(
            recorded, key=lambda one: min(one.to_s, part.to_s) - max(one.from_s, part.from_s)
        )
        late.append((part.until_s - part.to_s) - (same.at_s - same.from_s))
    return late
