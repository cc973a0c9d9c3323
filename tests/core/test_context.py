"""Code knows which connection it runs for."""

import asyncio
import contextvars
import copy
import dataclasses
import pickle

import pytest

from fastrtc.core.context import (
    Call,
    Connected,
    Context,
    connect_context,
    current_context,
    get_current_context,
)
from fastrtc.core.identity import ClientRequest, Headers


def test_outside_a_connection_there_is_none():
    with pytest.raises(RuntimeError, match="No context found"):
        get_current_context()


def test_inside_it_is_the_connection():
    own = contextvars.copy_context()
    own.run(current_context.set, Context("me"))

    assert own.run(get_current_context) == Context(webrtc_id="me", websocket=None)
    assert current_context.get() is None, "what is set in a copy stays in it"


async def test_tasks_and_threads_of_the_connection_have_it_too():
    context = Context("me", websocket=object())
    token = current_context.set(context)
    try:
        in_task = asyncio.create_task(asyncio.to_thread(get_current_context))
        assert await in_task is context
    finally:
        current_context.reset(token)


def test_a_connection_may_be_a_call():
    call = Call("twilio", id="CA1", from_number="+15550100", start={"event": "start"})

    assert Context("me").phone_call is None
    assert Context("me", phone_call=call).phone_call is call
    assert (call.to_number, call.parameters) == (None, {})
    assert "event" not in repr(call), "who logs a call logs no provider's message"


def test_what_it_knows_of_the_client_is_neither_compared_nor_shown():
    request = ClientRequest(Headers([("Cookie", "secret=1")]))
    context = Context("me", request=request, metadata={"a": 1}, user="anna")

    assert context == Context("me")
    assert "secret" not in repr(context) and "anna" not in repr(context)
    assert (Context("me").request, Context("me").metadata, Context("me").user) == (None, {}, None)
    context.state["seen"] = True
    assert Context("me").state == {}


def test_a_context_without_a_connection_says_so():
    context = Context("me")
    for use in (context.close, lambda: context.send({}), lambda: context.call_sync("f")):
        with pytest.raises(RuntimeError, match="has no connection"):
            use()


def test_copies_are_data():
    sent = []
    context = Context("me", user={"id": 1})
    connect_context(context, Connected(sent.append, sent.append, None, None, sent.append))
    context.send({"type": "x"})
    context.send("as it is")
    context.close("enough")

    assert sent == ['{"type": "x"}', "as it is", "enough"]
    for copied in (copy.deepcopy(context), pickle.loads(pickle.dumps(context))):
        assert copied == context and copied.user == {"id": 1}
        with pytest.raises(RuntimeError, match="has no connection"):
            copied.send("lost")
    assert dataclasses.asdict(context)["user"] == {"id": 1}
