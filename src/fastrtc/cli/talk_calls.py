"""Run scripted conversations: ``fastrtc talk TARGET --script calls.yaml``."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..core.models import ModelError
from ..speech_to_text import get_stt_model
from ..testing import Call, CallFailed, Turn
from ..testing.turn import words
from .talk_script import Script, ScriptError, load

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["compare", "run_script"]

OWN_PLACE = re.compile(r" \(talk_calls\.py:\d+\)")
"""Where a ``Call`` finds its script, if it is this module."""


def run_script(
    path: str,
    target: Stream | str,
    transport: str,
    headers: Mapping[str, str],
    limit_s: float | None,
) -> int:
    """Run the calls of a file one after the other, and print a line of JSON for each event.

    Args:
        path: The file.
        target: The stream, or the URL of a server.
        transport: That of calls without ``over``.
        headers: Headers of each request of the calls.
        limit_s: How long calls without ``limit_s`` wait for a reply, in seconds.

    Returns:
        The exit status: 1 if a call or an expectation failed.

    Raises:
        ScriptError: If the file is malformed, or a call cannot be made; no call is made then.
    """
    calls = [
        (script, _create(script, target, transport, headers, limit_s)) for script in load(path)
    ]
    status = 0
    for script, call in calls:
        failures = asyncio.run(_run(script, call))
        for failure in failures:
            _print(script, "failed", reason=failure)
        _print(script, "end", passed=not failures)
        status = status or int(bool(failures))
    return status


def _create(
    script: Script,
    target: Stream | str,
    transport: str,
    headers: Mapping[str, str],
    limit_s: float | None,
) -> Call:
    options = dict(script.options)
    if limit_s is not None:
        options.setdefault("limit_s", limit_s)
    try:
        ears = None if script.ears is None else get_stt_model(cast(Any, script.ears))
        over = cast(Any, script.over or transport)
        return Call(target, over, ears=ears, headers=headers, **options)
    except (ValueError, ModelError) as error:
        raise ScriptError(f"{script.name}: {error}") from error


def _print(script: Script, event: str, **values: object) -> None:
    print(json.dumps({"call": script.name, "event": event, **values}), flush=True)


async def _run(script: Script, call: Call) -> list[str]:
    """Make a call, print its turns, and return what failed."""
    failures = []
    try:
        async with call:
            await _follow(script, call)
    except (CallFailed, ValueError) as error:
        failures.append(str(error))
    turns = call.turns
    for number, turn in enumerate(turns, 1):
        heard = {} if script.ears is None else {"heard": turn.heard}
        _print(script, "turn", turn=number, **_describe(turn), **heard)
    if script.turns is not None and script.turns != len(turns):
        failures.append(f"there are {len(turns)} turns, not {script.turns}")
    for number, expected in enumerate(script.expected, 1):
        if number > len(turns):
            failures.append(f"turn {number}: there is none")
            continue
        failures += [f"turn {number}: {one}" for one in compare(turns[number - 1], expected)]
    return failures


async def _follow(script: Script, call: Call) -> None:
    starts_s = 0.0  # of the last reply
    for number, step in enumerate(script.steps, 1):
        try:
            starts_s = await _take(script, call, starts_s, *step)
        except (CallFailed, ValueError) as error:
            reason = OWN_PLACE.sub("", str(error))
            raise CallFailed(f"step {number} ({step[0]}): {reason}") from error


async def _take(
    script: Script, call: Call, starts_s: float, name: str, arguments: Mapping[str, Any]
) -> float:
    """Take a step, and return when the last reply started."""
    value = arguments["value"]
    if name == "reply":
        starts_s = (await call.reply(limit_s=value)).starts_s
    elif name == "say":
        at = arguments.get("at_s")
        if "after_reply_s" in arguments:
            at = starts_s + arguments["after_reply_s"]
        is_file = value.lower().endswith(".wav")
        await call.say(script.folder / value if is_file else value, at=at)
    elif name == "inputs":
        call.inputs(*value)
    else:
        actions: dict[str, Callable[[], Awaitable[None]]] = {
            "finish": partial(call.finish, limit_s=value),
            "wait": partial(call.wait, value),
            "press": partial(call.press, str(value)),
            "hang_up": call.hang_up,
        }
        await actions[name]()
    return starts_s


def compare(turn: Turn, expected: Mapping[str, Any]) -> list[str]:
    """Return the expectations that a turn does not meet, in words."""
    replied = turn.reply_starts_s < math.inf
    length_s = turn.reply_ends_s - turn.reply_starts_s if replied else 0.0
    failures = []
    for key, value in expected.items():
        if key == "replied" and replied != value:
            failures.append("there is a reply" if replied else "there is no reply")
        elif key == "interrupted" and turn.interrupted != value:
            failures.append("interrupted" if turn.interrupted else "not interrupted")
        elif key == "max_latency_s" and not turn.latency_s <= value:
            failures.append(f"latency_s {turn.latency_s:.3f} is more than {value}")
        elif key == "max_stopped_after_s" and not turn.stopped_after_s <= value:
            failures.append(f"stopped_after_s {turn.stopped_after_s:.3f} is more than {value}")
        elif key == "min_reply_s" and length_s < value:
            failures.append(f"the reply is {length_s:.3f} s long, less than {value}")
        elif key == "max_reply_s" and length_s > value:
            failures.append(f"the reply is {length_s:.3f} s long, more than {value}")
        elif key == "heard" and turn.heard != words(value):
            failures.append(f"heard {turn.heard!r}, not {words(value)!r}")
    return failures


def _describe(turn: Turn) -> dict[str, object]:
    numbers = {
        "starts_s": turn.starts_s,
        "ends_s": turn.ends_s,
        "reply_starts_s": turn.reply_starts_s,
        "reply_ends_s": turn.reply_ends_s,
        "latency_s": turn.latency_s,
        "stopped_after_s": turn.stopped_after_s,
    }
    rounded = {key: round(n, 4) if math.isfinite(n) else None for key, n in numbers.items()}
    return {"said": turn.said, **rounded, "interrupted": turn.interrupted}
