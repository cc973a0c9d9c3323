"""Scripted conversations, in YAML or JSON: read them, and reject what has no effect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from ..testing.lines import Over

__all__ = ["Script", "ScriptError", "load"]

OPTIONS = ("limit_s", "loss", "jitter_ms", "reorder", "outage", "noise_db", "seed")
"""Keys of a call that are arguments of ``Call``."""

KEYS = ("name", "over", "steps", "expect", "turns", "ears", *OPTIONS)


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

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Reject a key that occurs twice, of which one would have no effect."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value]
            twice = [key for key in keys if keys.count(key) > 1]
            if twice:
                line = node.start_mark.line + 1
                raise ScriptError(f"{path}, line {line}: the key {twice[0]!r} occurs twice")
            found: dict[Any, Any] = super().construct_mapping(node, deep)
            return found

    try:
        return yaml.load(text, Loader)
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
    if call.get("over") not in (None, *get_args(Over)):
        raise ScriptError(f"{place}: over must be one of {', '.join(get_args(Over))}")
    if not _is(call.get("ears"), (str, NONE)):
        raise ScriptError(f"{place}: ears must be the name of a model, not {call['ears']!r:.60}")
    turns = call.get("turns")
    if not _is(turns, (int, NONE)) or (turns or 0) < 0:
        raise ScriptError(f"{place}: turns must be a number of turns, not {turns!r:.60}")
    _check_expected(place, expected, hears=call.get("ears") is not None)
    return Script(
        name,
        folder,
        _read_steps(place, steps),
        expected,
        turns,
        call.get("over"),
        call.get("ears"),
        _read_options(place, call),
    )


def _check_expected(place: str, expected: Any, *, hears: bool) -> None:
    if not isinstance(expected, list) or not all(isinstance(one, dict) for one in expected):
        raise ScriptError(f"{place}: expect must be a list with a mapping for each turn")
    for number, one in enumerate(expected, 1):
        for key, value in one.items():
            if key not in EXPECTATIONS:
                known = ", ".join(EXPECTATIONS)
                raise ScriptError(f"{place}, turn {number}: {key!r} is none of {known}")
            if not _is(value, EXPECTATIONS[key]):
                kind = f"{KINDS[EXPECTATIONS[key]]}, not {value!r:.60}"
                raise ScriptError(f"{place}, turn {number}: {key} must be {kind}")
        if "heard" in one and not hears:
            raise ScriptError(f"{place}, turn {number}: `heard` needs `ears`, a model")


def _read_options(place: str, call: Mapping[str, Any]) -> dict[str, Any]:
    options = {key: call[key] for key in OPTIONS if key in call}
    for key, value in options.items():
        if key == "outage":
            if not isinstance(value, list) or not all(_is(one, NUMBER) for one in value):
                raise ScriptError(f"{place}: outage must be [start_s, length_s], not {value!r:.60}")
            options[key] = tuple(value)
        elif not _is(value, NUMBER):
            raise ScriptError(f"{place}: {key} must be a number, not {value!r:.60}")
    return options


def _read_steps(place: str, given: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    steps, replied = [], False
    for number, one in enumerate(given, 1):
        name, arguments = _read_step(f"{place}, step {number}", one)
        if "after_reply_s" in arguments and not replied:
            raise ScriptError(
                f"{place}, step {number}: after_reply_s needs a step `reply` before it"
            )
        replied = replied or name == "reply"
        steps.append((name, arguments))
    return steps


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
    if not _is(value, kind):
        raise ScriptError(f"{place}: {name} must not be {value!r:.60}")
    for key, given in rest:
        if key not in more or not _is(given, NUMBER):
            raise ScriptError(f"{place}: {name} takes no {key}: {given!r:.60}")
    if len(rest) > 1:
        raise ScriptError(f"{place}: {name} takes one of {' and '.join(more)}")
    return name, {"value": value, **dict(rest)}


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

KINDS: dict[Any, str] = {bool: "true or false", NUMBER: "a number", str: "text"}


def _is(value: object, kind: Any) -> bool:
    """Return whether a value has a type; true and false are no numbers, nor is infinity."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind) and not (isinstance(value, float) and not math.isfinite(value))
