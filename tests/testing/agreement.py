"""Ten conversations, to hold over two lines and compare."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from fastrtc import Stream
from fastrtc.testing import Call, Turn

from .programs import RATE, Tones, Words, replying, tone

__all__ = ["CONVERSATIONS", "differences", "hold"]

Script = Callable[[Call], Awaitable[None]]


def long(audio: Any) -> Iterator[Any]:
    for _ in range(8):
        yield RATE, tone(0.5)


async def async_long(audio: Any) -> Any:
    for _ in range(8):
        yield RATE, tone(0.5)


def short(audio: Any) -> Iterator[Any]:
    yield Tones().tts("one two three")


async def async_short(audio: Any) -> Any:
    yield Tones().tts("three two one")


def repeat(audio: Any) -> Iterator[Any]:
    yield audio


def greet() -> Iterator[Any]:
    yield Tones().tts("zero")


async def one_question(call: Call) -> None:
    await call.say("one two")
    await call.finish()


async def two_questions(call: Call) -> None:
    await call.say("one")
    await call.reply()
    await call.wait(2)
    await call.say("two three")
    await call.finish()


def interruption(after_s: float) -> Script:
    async def script(call: Call) -> None:
        await call.say("one two")
        reply = await call.reply()
        await call.say("zero zero", at=reply.starts_s + after_s)
        await call.wait(1.5)

    return script


async def a_greeting(call: Call) -> None:
    await call.reply()
    await call.wait(1)
    await call.say("one")
    await call.finish()


CONVERSATIONS: dict[str, tuple[Callable[[], Stream], Script]] = {
    "short": (lambda: replying(short), one_question),
    "async": (lambda: replying(async_short), one_question),
    "repeat": (lambda: replying(repeat), one_question),
    "two questions": (lambda: replying(short), two_questions),
    "repeat twice": (lambda: replying(repeat), two_questions),
    "greeting": (lambda: replying(short, startup_fn=greet), a_greeting),
    "interrupted early": (lambda: replying(long), interruption(0.3)),
    "interrupted": (lambda: replying(long), interruption(1.0)),
    "interrupted late": (lambda: replying(long), interruption(2.0)),
    "async interrupted": (lambda: replying(async_long), interruption(0.7)),
}


async def hold(name: str, over: Any) -> Call:
    """Hold a conversation, and return the call."""
    stream, script = CONVERSATIONS[name]
    made = stream()
    made.server_rtc_configuration = made.convert_to_aiortc_format({"iceServers": []})
    async with Call(made, over, voice=Tones(), ears=Words()) as call:
        await script(call)
    return call


def differences(
    simulated: list[Turn], live: list[Turn], *, within_s: float
) -> list[tuple[str, str]]:
    """What differs between the turns of two calls, and how; times that are close do not."""
    found = []
    if len(simulated) != len(live):
        found.append(("number of turns", f"{len(simulated)} and {len(live)}"))
    for number, (one, other) in enumerate(zip(simulated, live, strict=False), start=1):
        for name in ("latency_s", "stopped_after_s"):
            a, b = getattr(one, name), getattr(other, name)
            if a != b and (a is None or b is None or abs(a - b) > within_s):
                found.append((f"{name} of turn {number}", f"{a} and {b}"))
        if one.interrupted != other.interrupted:
            found.append((f"interruption of turn {number}", f"{one} and {other}"))
    return found
