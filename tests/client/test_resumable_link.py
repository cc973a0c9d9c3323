"""Which secret and position a client sends at each attempt, and what ends them. Without a network:
see tests/webrtc/test_resume.py and tests/websocket/test_resume.py for the real transports."""

import asyncio
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from fastrtc.client import reconnection
from fastrtc.client.errors import ClientError
from fastrtc.client.link import LinkEvents
from fastrtc.client.resumable_link import ResumableLink

LOST = ClientError("lost", "connection_lost")


class ScriptedLink:
    """A connection whose end a function decides."""

    rate = 48_000

    def __init__(self, events: LinkEvents, then: Callable[["ScriptedLink"], Any]) -> None:
        self.events = events
        self.then = then
        self.reached = True
        self.answered = False
        self.resume: Any = None
        self.heard: int | None = None
        self.request: Mapping[str, Any] = {}
        self.closed = False

    def answer(self, secret: str, heard: int | None = None) -> None:
        self.answered, self.heard = True, heard
        self.resume = {"secret": secret, "within_s": 30, "received": 0}

    async def open(self, fields: Mapping[str, Any] | None = None) -> Any:
        self.request = dict(fields or {})
        self.then(self)
        return self.resume

    async def close(self, *, stop: bool = True) -> None:
        self.closed = True

    async def send_audio(self, samples: Any) -> None: ...

    async def send_video(self, image: Any) -> None: ...

    def send_message(self, text: str) -> None: ...


def fails(error: Exception, *, secret: str = "", heard: int | None = None) -> Any:
    """Fail, after an answer if there is a secret."""

    def then(link: ScriptedLink) -> None:
        if secret:
            link.answer(secret, heard)
        raise error

    return then


def succeeds(secret: str, heard: int | None = None) -> Any:
    return lambda link: link.answer(secret, heard)


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Connect with links that follow a script; return the link, those, and when it is over."""
    monkeypatch.setattr(reconnection, "DELAY_S", 0.001)

    async def connect(*script: Any) -> Any:
        links: list[ScriptedLink] = []
        over = asyncio.get_running_loop().create_future()

        def create(events: LinkEvents) -> ScriptedLink:
            then = script[len(links)]
            links.append(ScriptedLink(events, then))
            return links[-1]

        def message(text: str) -> None:
            if "reconnected" in text:
                over.set_result("reconnected")

        events: Any = SimpleNamespace(message=message, ended=over.set_result)
        link = ResumableLink(create, events)
        await link.open()
        return link, links, over

    return connect


def requests(links: list[ScriptedLink]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in link.request.items() if name != "received"}
        for link in links
    ]


async def test_the_secret_and_position_of_an_attempt_that_failed_after_the_answer_are_used(
    begin: Any,
) -> None:
    link, links, over = await begin(
        succeeds("S0", heard=5000),
        fails(ClientError("no", "server_unreachable")),
        fails(ClientError("no", "ice_failed"), secret="S1", heard=1920),
        fails(ClientError("no", "ice_failed"), secret="S2"),
        succeeds("S3"),
    )
    links[0].events.ended(LOST)
    assert await asyncio.wait_for(over, 5) == "reconnected"
    assert requests(links) == [
        {"resume": True},
        {"resume": "S0", "heard": 5000},
        {"resume": "S0", "heard": 5000},
        {"resume": "S1", "heard": 1920},
        {"resume": "S2"},
    ]
    await asyncio.sleep(0)
    assert [one.closed for one in links] == [True, True, True, True, False]
    await link.close()


async def test_the_position_is_read_when_the_lost_connection_is_ignored(begin: Any) -> None:
    def later(link: ScriptedLink) -> None:
        links[0].heard = 9999  # of audio that nobody hears any more
        raise ClientError("no", "server_unreachable")

    link, links, over = await begin(succeeds("S0", heard=960), later, succeeds("S1"))
    links[0].events.ended(LOST)
    await asyncio.wait_for(over, 5)
    assert [one.get("heard") for one in requests(links)] == [None, 960, 960]
    await link.close()


async def test_a_link_that_the_server_may_use_is_not_closed_before_the_next_answer(
    begin: Any,
) -> None:
    closed: list[bool] = []
    link, links, over = await begin(
        succeeds("S0"),
        fails(ClientError("no", "server_timeout"), secret="S1"),
        lambda _: closed.extend(one.closed for one in links),
    )
    links[0].events.ended(LOST)
    await asyncio.wait_for(over, 5)
    assert closed[:2] == [True, False]
    await link.close()


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), RuntimeError("broken")])
async def test_an_unexpected_exception_fails_one_attempt_only(begin: Any, error: Any) -> None:
    link, links, over = await begin(succeeds("S0"), fails(error), succeeds("S1"))
    links[0].events.ended(LOST)
    assert await asyncio.wait_for(over, 5) == "reconnected"
    assert len(links) == 3
    await link.close()


async def test_the_end_is_reported_whatever_stops_the_attempts(
    begin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    link, links, over = await begin(succeeds("S0"))  # there is no second link
    links[0].events.ended(LOST)
    assert await asyncio.wait_for(over, 5) is LOST
    assert "The session is not resumed" in caplog.text
    await asyncio.sleep(0)
    assert links[0].closed
    caplog.clear()
    await link.close()
