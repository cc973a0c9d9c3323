"""What the assistant says. To let a language model speak, change one line: see `answer`."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict

INSTRUCTIONS = (
    "You talk with a person who hears you. Answer in one to three short sentences, as one speaks: "
    "no lists, no markup, no emoji."
)


class Message(TypedDict):
    """A turn of the conversation."""

    role: Literal["user", "assistant"]
    content: str


def answer(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the answer to the last message, in pieces as they are written."""
    yield from rules(messages[-1]["content"])
    # yield from language_model(messages)  # use this line instead of the one above


def language_model(messages: Sequence[Message]) -> Iterator[str]:
    """Yield the answer of a model, from OpenAI or any service with the same API.

    The variables OPENAI_API_KEY, OPENAI_BASE_URL and MODEL choose the service and the model.
    """
    from openai import OpenAI  # pip install openai

    history: list[Any] = [{"role": "system", "content": INSTRUCTIONS}, *messages]
    with OpenAI().chat.completions.create(
        model=os.environ.get("MODEL", "gpt-4o-mini"), messages=history, stream=True
    ) as chunks:
        for chunk in chunks:
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""


def rules(text: str) -> Iterator[str]:
    """Yield the answer to a few questions, without a model, a key or a network."""
    said, now = text.lower(), datetime.now()
    if found := SUM.search(said):
        first, name, second = found.groups()
        word, function = OPERATIONS[name]
        a, b = number(first), number(second)
        yield f"{a} {word} {b} is {function(a, b)}."
    elif "time" in said:
        yield f"It is {now.hour}:{now.minute:02}."
    elif re.search(r"\b(day|date)\b", said):
        yield f"Today is {now:%A}, the {now.day} of {now:%B}."
    elif "joke" in said:
        yield "I would tell you a joke about UDP. "
        yield "But you might not get it."
    elif found := re.search(r"\b(?:i am|i'm|name is) (\w+)", said):
        yield f"Nice to meet you, {found[1].title()}."
    else:
        yield f"You said: {text} "
        yield "I know the time, the date, sums and a joke. "
        yield "For everything else, give me a language model."


OPERATIONS: dict[str, tuple[str, Callable[[int, int], int]]] = {
    "plus": ("plus", operator.add),
    "+": ("plus", operator.add),
    "minus": ("minus", operator.sub),
    "-": ("minus", operator.sub),
    "times": ("times", operator.mul),
    "x": ("times", operator.mul),
    "*": ("times", operator.mul),
}
WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
NUMBER = rf"\b(\d+|{'|'.join(WORDS)})\b"
SUM = re.compile(rf"{NUMBER}\s*({'|'.join(map(re.escape, OPERATIONS))})\s*{NUMBER}")


def number(text: str) -> int:
    """Return a number that is written in digits or as a word."""
    return WORDS.index(text) if text in WORDS else int(text)
