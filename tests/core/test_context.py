"""Code knows which connection it runs for."""

import asyncio
import contextvars

import pytest

from fastrtc.core.context import Call, Context, current_context, get_current_context


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

    assert Context("me").call is None
    assert Context("me", call=call).call is call
    assert (call.to_number, call.parameters) == (None, {})
    assert "event" not in repr(call), "who logs a call logs no provider's message"
