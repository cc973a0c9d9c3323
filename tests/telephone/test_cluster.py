"""Calls whose webhook and socket reach different processes."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from fastrtc import Stream
from fastrtc.server import telephone
from tests.support.cluster import FailingDirectory, clustered, node_of
from tests.support.connections import connections_of
from tests.support.peers import eventually
from tests.telephone.phone import Phone
from tests.telephone.test_calls import Echo, line


@contextmanager
def lines(count: int, **options: Any) -> Iterator[list[tuple[Stream, str]]]:
    """The same stream in several servers."""
    directory = FailingDirectory()
    with ExitStack() as stack:
        yield [
            stack.enter_context(line(Echo(), cluster=clustered(directory), **options))
            for _ in range(count)
        ]


async def announce(url: str, id: str) -> str:
    async with httpx.AsyncClient(base_url=url) as http:
        return (await http.post("/telephone/incoming", data={"CallSid": id})).text


def held(stream: Stream) -> int:
    return len(connections_of(stream).registry)


async def test_a_socket_that_reaches_another_process_frees_the_reserved_place():
    with lines(2, concurrency_limit=1) as [(first, first_url), (second, second_url)]:
        assert "<Connect" in await announce(first_url, "CA1")
        assert held(first) == 1
        async with Phone(second_url, call_id="CA1") as phone:
            await eventually(lambda: phone.arrived)
            assert (held(first), held(second)) == (0, 1)
            assert "<Connect" in await announce(first_url, "CA2")
            await phone.hang_up()
        async with Phone(first_url, call_id="CA2") as phone:
            await eventually(lambda: phone.arrived)


async def test_a_reserved_place_is_found_after_the_directory_has_lost_its_data():
    with lines(2, concurrency_limit=1) as [(first, first_url), (second, second_url)]:
        assert "<Connect" in await announce(first_url, "CA1")
        node_of(first).owned._directory.__init__()
        async with Phone(second_url, call_id="CA1") as phone:
            await eventually(lambda: phone.arrived)
            assert (held(first), held(second)) == (0, 1)
            await phone.hang_up()


async def test_the_last_line_of_all_processes_is_kept_for_the_caller_of_the_greeting():
    with lines(2, total_limit=1) as [(first, first_url), (_, second_url)]:
        assert "<Connect" in await announce(first_url, "CA1")
        assert "<Connect" in await announce(first_url, "CA1")
        assert "busy" in await announce(second_url, "CA2")
        async with Phone(second_url, call_id="CA1") as phone:
            await eventually(lambda: phone.arrived)
            assert "busy" in await announce(first_url, "CA2")
            await phone.hang_up()
        await eventually(lambda: not node_of(first).owned._releasing)
        async with Phone(first_url, call_id="CA3") as phone:
            await eventually(lambda: phone.arrived)


async def test_the_place_of_a_caller_who_does_not_come_is_free_again(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(telephone, "CONNECTED_TIMEOUT_S", 0.2)
    with lines(2, total_limit=1) as [(first, first_url), (_, second_url)]:
        assert "<Connect" in await announce(first_url, "CA1")
        await eventually(lambda: held(first) == 0)
        await eventually(lambda: not node_of(first).owned._releasing)
        await asyncio.sleep(0.05)
        assert "<Connect" in await announce(second_url, "CA2")


async def test_inputs_reach_a_call_of_another_process():
    with lines(2) as [(first, first_url), (second, _)]:
        async with Phone(first_url) as phone:
            await eventually(lambda: phone.arrived)
            (id,) = first.handlers
            await asyncio.to_thread(second.set_input, id, "hello")
            assert list(first.handlers[id].latest_args)[1:] == ["hello"]
            diagnosis = await asyncio.to_thread(second.diagnose, id)
            assert diagnosis.transport == "telephone"
            second.clean_up(id)
            await asyncio.wait_for(phone.ended.wait(), 30)


async def test_a_full_process_lets_the_balancer_find_the_reserved_place_of_a_call():
    with lines(2, concurrency_limit=1) as [(_, first_url), (_, second_url)]:
        async with Phone(second_url) as other:
            await eventually(lambda: other.arrived)
            assert "<Connect" in await announce(first_url, "CA1")
            with pytest.raises(InvalidStatus, match="503"):
                async with Phone(second_url, call_id="CA1"):
                    pass
            async with Phone(first_url, call_id="CA1") as phone:
                await eventually(lambda: phone.arrived)
