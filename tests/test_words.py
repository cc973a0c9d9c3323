"""Words that were replaced by the field's terms do not come back into the package."""

import io
import re
import token
import tokenize
from collections.abc import Iterator
from pathlib import Path

import fastrtc

SOURCES = Path(fastrtc.__file__).parent

NAMES = {
    "Alarm": "TimedEvent",
    "Allowance": "RealtimeAudioLimit",
    "Backlog": "StalledClientDetector",
    "Concealment": "PacketLossConcealment",
    "ExpectedCalls": "CallReservations",
    "Heard": "Segment",
    "Lobby": "PendingConnections",
    "Mailbox": "Outbox",
    "Playback": "PlaybackMarks",
    "ReorderBuffer": "JitterBuffer",
    "ReorderOptions": "JitterBufferOptions",
    "Seldom": "LogThrottle",
    "Spotter": "StopWordSpotter",
    "can_wait_s": "time_to_next_decision_s",
    "in_order_of_gradio_5": "accept_gradio5_signature",
}
FORBIDDEN = re.compile(r"(MOST|LEAST|LONGEST|SHORTEST)(_\w+)?|\w+_WITHIN_S")
PROSE = re.compile(r"\b(somebody|nobody|whoever|learn that|have it be|see to it)\b", re.IGNORECASE)


def tokens() -> Iterator[tuple[str, tokenize.TokenInfo]]:
    for path in sorted(SOURCES.rglob("*.py")):
        place = str(path.relative_to(SOURCES))
        for one in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            yield place, one


def test_names_are_those_of_the_field() -> None:
    found = {
        f"{place}:{one.start[0]}: {one.string} is {NAMES.get(one.string, 'MAX_, MIN_, _TIMEOUT_S')}"
        for place, one in tokens()
        if one.type == token.NAME and (one.string in NAMES or FORBIDDEN.fullmatch(one.string))
    }
    assert not found


def test_prose_says_who_acts() -> None:
    found = [
        f"{place}:{one.start[0]}: {match.group()}"
        for place, one in tokens()
        if one.type in (token.STRING, token.COMMENT)
        for match in PROSE.finditer(one.string)
    ]
    assert not found
