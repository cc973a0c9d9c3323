"""The link of a handler: whose it is, and what may touch the event loop from where."""

import asyncio
import copy
import threading

import pytest

from fastrtc.core.errors import HandlerNotInitialized
from fastrtc.handlers.link import HandlerLink, create_link, has_link, link_of, rebound


class Handler:
    def method(self) -> object:
        return self


def test_a_handler_has_one_link() -> None:
    handler = Handler()
    assert not has_link(handler)
    link = create_link(handler)
    assert has_link(handler)
    assert link_of(handler) is link


def test_without_one_the_class_is_named() -> None:
    with pytest.raises(HandlerNotInitialized, match=r"^Handler.__init__\(\) must call super"):
        link_of(Handler())


def test_a_copy_of_the_attributes_gets_a_link_of_its_own() -> None:
    class Conversation:
        def for_handler(self, handler: Handler, link: HandlerLink) -> None:
            self.told = handler, link

    handler, conversation = Handler(), Conversation()
    link = create_link(handler)
    link.phone_mode, link.conversation, link.queued_s = True, conversation, lambda: 5.0
    another = copy.copy(handler)
    own = link_of(another)
    assert own is not link
    assert (own.owner, own.phone_mode, own.queued_s()) == (id(another), True, 0.0)
    assert conversation.told == (another, own)
    assert link_of(another) is own
    assert link_of(handler) is link


async def test_a_function_is_called_on_the_loop_from_any_thread() -> None:
    names: list[str] = []
    link = HandlerLink(0, loop=asyncio.get_running_loop())

    def note() -> None:
        names.append(threading.current_thread().name)

    link.call_on_loop(note)
    assert len(names) == 1  # at once
    await asyncio.to_thread(link.call_on_loop, note)
    await asyncio.sleep(0)
    assert names == [threading.current_thread().name] * 2


def test_without_a_loop_a_function_is_called_at_once() -> None:
    called: list[bool] = []
    HandlerLink(0).call_on_loop(lambda: called.append(True))
    assert called == [True]


def test_a_message_goes_to_the_connection_or_the_channel() -> None:
    class Channel:
        def __init__(self) -> None:
            self.send = sent.append

    sent: list[str] = []
    posted: list[str] = []
    link = HandlerLink(0)
    link.send("to nobody")
    link.channel = Channel()
    link.send("to the channel")
    link.post = posted.append
    link.send("to the connection")
    assert (sent, posted) == (["to the channel"], ["to the connection"])


def test_only_methods_of_the_original_are_bound_to_the_copy() -> None:
    original, other = Handler(), Handler()
    assert rebound(original.method, original, other)() is other
    assert rebound(other.method, original, Handler())() is other
    assert rebound(len, original, other) is len
