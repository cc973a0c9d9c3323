"""A simulated caller talks to the app: `pytest` runs this without a browser or a microphone."""

from fastrtc import Interruption
from fastrtc.testing import Call

from answers import answer
from app import stream
from assistant import Assistant, ears


async def test_it_answers_what_it_was_asked() -> None:
    async with Call(stream, ears=ears) as call:
        await call.finish()  # the greeting
        await call.say("What is seven times eight?")
        await call.finish()
    greeting, reply = call.turns
    assert "hello" in greeting.heard
    assert "56" in reply.heard or "fifty six" in reply.heard
    assert reply.latency_s < 3


async def test_it_can_be_interrupted() -> None:
    async with Call(stream) as call:
        await call.finish()
        await call.say("I like long answers about everything.")
        reply = await call.reply()
        await call.say("What is two plus three?", at=reply.starts_s + 1)
        await call.finish()
    *_, interrupted, _ = call.turns
    assert interrupted.interrupted and interrupted.stopped_after_s < 1


def test_it_remembers_only_what_was_heard() -> None:
    assistant = Assistant()
    said = "It is ten. It is late."
    for heard, remembered in (("It is ten.", "It is ten."), ("", "(interrupted)")):
        assistant.messages = [{"role": "assistant", "content": said}]
        assistant.interrupted(Interruption(len(heard) / 10, heard, said))
        assert assistant.messages == [{"role": "assistant", "content": remembered}]


def test_what_it_says() -> None:
    def said(text: str) -> str:
        return "".join(answer([{"role": "user", "content": text}]))

    assert said("What is 7 times 8?") == said("What is seven times eight?") == "7 times 8 is 56."
    assert said("My name is Ada.") == "Nice to meet you, Ada."
