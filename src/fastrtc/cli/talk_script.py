"""Scripted conversations: ``fastrtc talk TARGET --script calls.yaml``, in YAML or JSON."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..testing import Call, CallFailed, Turn
from ..testing.turn import words

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["Script", "ScriptError", "load", "run_script"]

NETWORK = ("loss", "jitter_ms", "reorder", "outage", "noise_db", "seed")
"""Keys of a call that are arguments of ``Call``."""

KEYS = {"name", "over", "steps", "expect", "turns", "ears", "limit_s", *NETWORK}


OWN_PLACE = re.compile(r" \(talk_script\.py:\d+\)")
"""Where a ``Call`` finds its script, if it is this module."""


class ScriptError(ValueError):
    """A script is malformed; the message names the place."""


@dataclass(frozen=True)
class Script:
    """A scripted call.

    Attributes:
        name: Its name.
        folder: The folder of the script, where its WAV files are.
        steps: The steps: a name and its arguments.
        expected: What is expected of each turn.
        turns: The expected number of turns, or None.
        over: The transport, or None for that of the command.
        ears: The name of the speech-to-text model, or None.
        options: Further arguments of ``Call``.
    """

    name: str
    folder: Path
    steps: list[tuple[str, dict[str, Any]]]
    expected: list[Mapping[str, Any]] = field(default_factory=list)
    turns: int | None = None
    over: str | None = None
    ears: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


# Reading


def load(path: str) -> list[Script]:
    """Read a file with a call, or a list of calls.

    Raises:
        ScriptError: If it cannot be read, or something in it is unknown or has a wrong type.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path} cannot be read: {error}") from error
    found = _parse(path, text)
    calls = found if isinstance(found, list) else [found]
    if not calls:
        raise ScriptError(f"{path} has no calls")
    return [_read_call(f"{path}: call {n}", Path(path).parent, c) for n, c in enumerate(calls, 1)]


def _parse(path: str, text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise ScriptError('scripts need PyYAML: pip install "fastrtc[talk]"') from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScriptError(f"{path} is not YAML: {error}") from error


def _read_call(place: str, folder: Path, call: Any) -> Script:
    if not isinstance(call, dict):
        raise ScriptError(f"{place} must have keys such as `steps`, not be {call!r:.60}")
    unknown = [key for key in call if key not in KEYS]
    if unknown:
        raise ScriptError(f"{place} has the unknown key {unknown[0]!r}: {', '.join(sorted(KEYS))}")
    name = str(call.get("name") or place.rpartition(" ")[2])
    place = f"{place} ({name})"
    steps, expected = call.get("steps"), call.get("expect") or []
    if not isinstance(steps, list) or not steps:
        raise ScriptError(f"{place} needs a list of steps")
    if not isinstance(expected, list) or not all(isinstance(one, dict) for one in expected):
        raise ScriptError(f"{place}: expect must be a list with a mapping for each turn")
    for number, one in enumerate(expected, 1):
        for key, value in one.items():
            if key not in EXPECTATIONS or not isinstance(value, EXPECTATIONS[key]):
                known = ", ".join(EXPECTATIONS)
                raise ScriptError(f"{place}, turn {number}: {key}: {value!r} is none of {known}")
        if "heard" in one and not call.get("ears"):
            raise ScriptError(f"{place}, turn {number}: `heard` needs `ears`, a model")
    options = {key: call[key] for key in (*NETWORK, "limit_s") if key in call}
    if isinstance(options.get("outage"), list):
        options["outage"] = tuple(options["outage"])
    return Script(
        name,
        folder,
        [_read_step(f"{place}, step {n}", step) for n, step in enumerate(steps, 1)],
        expected,
        call.get("turns"),
        call.get("over"),
        call.get("ears"),
        options,
    )


def _read_step(place: str, step: Any) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments of a step."""
    if isinstance(step, str):
        step = {step: None}
    if not isinstance(step, dict) or not step:
        raise ScriptError(f"{place} must be one of {', '.join(STEPS)}, not {step!r:.60}")
    (name, value), *rest = step.items()
    if name not in STEPS:
        raise ScriptError(f"{place}: there is no step {name!r}: {', '.join(STEPS)}")
    kind, more = STEPS[name]
    arguments = {"value": value, **dict(rest)}
    if not isinstance(value, kind):
        raise ScriptError(f"{place}: {name} must not be {value!r:.60}")
    for key, given in rest:
        if key not in more or not isinstance(given, int | float):
            raise ScriptError(f"{place}: {name} takes no {key}: {given!r:.60}")
    return name, arguments


NUMBER = (int, float)
NONE = type(None)
STEPS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "say": (str, ("at_s", "after_reply_s")),
    "reply": ((*NUMBER, NONE), ()),
    "finish": ((*NUMBER, NONE), ()),
    "wait": (NUMBER, ()),
    "press": ((str, int), ()),
    "inputs": (list, ()),
    "hang_up": (NONE, ()),
}
"""Type of the value, and the names of further numbers, of each step."""

EXPECTATIONS: dict[str, Any] = {
    "replied": bool,
    "max_latency_s": NUMBER,
    "interrupted": bool,
    "max_stopped_after_s": NUMBER,
    "min_reply_s": NUMBER,
    "max_reply_s": NUMBER,
    "heard": str,
}
"""What may be expected of a turn, with its type."""


# Running


def run_script(path: str, target: Stream | str, transport: str, headers: Mapping[str, str]) -> int:
    """Run the calls of a file one after the other, and print a line of JSON for each event.

    Returns:
        The exit status: 1 if a call or an expectation failed.

    Raises:
        ScriptError: If the file is malformed.
    """
    status = 0
    for script in load(path):
        if isinstance(target, str) and (script.over or transport) == "memory":
            raise ScriptError(f"{script.name}: `over: memory` needs a stream, not a URL")
        failures = asyncio.run(_run(script, target, transport))
        for failure in failures:
            _print(script, "failed", reason=failure)
        _print(script, "end", passed=not failures)
        status = status or int(bool(failures))
    return status


def _print(script: Script, event: str, **values: object) -> None:
    print(json.dumps({"call": script.name, "event": event, **values}), flush=True)


async def _run(script: Script, target: Stream | str, transport: str) -> list[str]:
    """Make a call, print its turns, and return what failed."""
    ears = None
    if script.ears is not None:
        from ..speech_to_text import get_stt_model

        ears = get_stt_model(cast(Any, script.ears))
    failures = []
    call: Call | None = None
    try:
        over = cast(Any, script.over or transport)
        call = Call(target, over, ears=ears, **script.options)
        async with call:
            await _follow(script, call)
    except (CallFailed, ValueError) as error:
        failures.append(str(error))
    turns = [] if call is None else call.turns
    for number, turn in enumerate(turns, 1):
        _print(script, "turn", turn=number, **_describe(turn))
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
        except CallFailed as error:
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
