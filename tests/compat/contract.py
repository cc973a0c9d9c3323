"""What `contract.json` says of FastRTC's public face, compared with the package that is there.

Names, where they can be imported from, signatures, defaults, bases, fields and members. Parameters
of ours may follow the contract's own when they have defaults. Each difference is one string; they
come in the order of the contract and do not depend on the version of Python.

`python -m tests.compat.contract` prints them.
"""

import dataclasses
import importlib
import inspect
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["class_problems", "load", "problems", "signature_problems"]

FOLDER = Path(__file__).parent
Wanted = dict[str, Any]  # a node of the contract

VARIADIC = {"VAR_POSITIONAL": "*args", "VAR_KEYWORD": "**kwargs"}
LITERALS = (int, float, str, bool, type(None), tuple, list, dict)
ABSENT = object()


def load() -> Wanted:
    """The contract: a description of each public module by its name."""
    return json.loads((FOLDER / "contract.json").read_text(encoding="utf-8"))


def problems(contract: Wanted) -> Iterator[str]:
    """Everything in which the importable package differs from the contract."""
    for name, wanted in contract.items():
        try:
            module = _import(name)
        except Exception as error:  # a module that is missing or broken is one difference
            yield f"{name}: cannot be imported: {error!r}"
        else:
            yield from module_problems(module, wanted)


def module_problems(module: ModuleType, wanted: Wanted) -> Iterator[str]:
    """The differences of one module's names, functions and classes."""
    for name in wanted["all"]:
        if _get(module, name) is ABSENT:
            yield f"{module.__name__}.{name}: missing from the public names"
    for name, origin in wanted["names"]:
        have = _get(module, name)
        original = _get_from(origin, name) if origin else ABSENT
        if have is ABSENT:
            yield f"{module.__name__}.{name}: not importable from here"
        elif original is not ABSENT and original is not have:
            yield f"{module.__name__}.{name}: not the same object as {origin}.{name}"
    for name, function in wanted["functions"].items():
        have = _get(module, name)
        if have is ABSENT:
            yield f"{module.__name__}.{name}: missing"
        else:
            yield from signature_problems(
                f"{module.__name__}.{name}", inspect.unwrap(have), function["params"]
            )
    for name, description in wanted["classes"].items():
        have = _get(module, name)
        if have is ABSENT:
            yield f"{module.__name__}.{name}: missing"
        else:
            yield from class_problems(f"{module.__name__}.{name}", have, description)


def class_problems(where: str, cls: type, wanted: Wanted) -> Iterator[str]:
    """The differences of one class: bases, constructor, fields, members."""
    bases = {base.__name__ for base in cls.__mro__}
    for base in wanted.get("bases", []):
        if base not in bases:
            yield f"{where}: is no subclass of {base}"
    if "init" in wanted:
        yield from signature_problems(where, cls.__init__, wanted["init"])
    if "fields" in wanted:
        yield from _field_problems(where, cls, wanted["fields"])
    for field in wanted.get("model_fields", {}):
        if field not in getattr(cls, "model_fields", {}):
            yield f"{where}: no model field {field}"
    for key in wanted.get("typed_dict", []):
        if key not in getattr(cls, "__annotations__", {}):
            yield f"{where}: no key {key}"
    if "abstract" in wanted:
        abstract = sorted(getattr(cls, "__abstractmethods__", ()))
        if abstract != wanted["abstract"]:
            yield f"{where}: abstract methods {abstract}, should be {wanted['abstract']}"
    for name, member in wanted.get("members", {}).items():
        yield from _member_problems(f"{where}.{name}", cls, name, member)


def signature_problems(
    where: str, function: Callable[..., Any], wanted: list[Wanted] | None
) -> Iterator[str]:
    """The differences of a function's parameters; `self` and `cls` do not count."""
    if wanted is None:
        return
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        yield f"{where}: no signature"
        return
    have = {p.name: p for p in parameters if p.name not in ("self", "cls")}
    wanted = [p for p in wanted if p["name"] not in ("self", "cls")]
    yield from _order_problems(where, have, wanted)
    for parameter in wanted:
        name, kind = parameter["name"], parameter["kind"]
        if kind in VARIADIC:
            if not any(p.kind.name == kind for p in have.values()):
                yield f"{where}: takes no {VARIADIC[kind]}"
        elif name not in have:
            yield f"{where}: no parameter {name}"
        elif "default" in parameter:
            yield from _default_problems(where, have[name], parameter["default"])
    known = {parameter["name"] for parameter in wanted}
    for name, parameter in have.items():
        if name not in known and _is_required(parameter):
            yield f"{where}: extra parameter {name} has no default"


def _order_problems(
    where: str, have: dict[str, inspect.Parameter], wanted: list[Wanted]
) -> Iterator[str]:
    """Existing programs pass these by position, so ours may only follow them."""
    kind = "POSITIONAL_OR_KEYWORD"
    order = [p.name for p in have.values() if p.kind.name == kind]
    start = [p["name"] for p in wanted if p["kind"] == kind]
    if order[: len(start)] != start:
        yield f"{where}: positional parameters {order} should start with {start}"


def _default_problems(where: str, have: inspect.Parameter, wanted: str) -> Iterator[str]:
    if have.default is inspect.Parameter.empty:
        yield f"{where}: {have.name} has no default, should be {wanted}"
    elif not _matches(have.default, wanted):
        yield f"{where}: {have.name} defaults to {_shown(have.default)}, should be {wanted}"


def _field_problems(where: str, cls: type, wanted: list[Wanted]) -> Iterator[str]:
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    have = {field.name: field.default for field in fields}
    for field in wanted:
        name, default = field["name"], field.get("default")
        if name not in have:
            yield f"{where}: no dataclass field {name}"
        elif default is not None and not _matches(have[name], default):
            yield f"{where}.{name} defaults to {_shown(have[name])}, should be {default}"
    start = [field["name"] for field in wanted]
    if list(have)[: len(start)] != start:
        yield f"{where}: fields {list(have)} should start with {start}"


def _member_problems(where: str, cls: type, name: str, wanted: Wanted) -> Iterator[str]:
    if not hasattr(cls, name):
        if "value" not in wanted:  # a value may be set per instance
            yield f"{where}: no such member"
        return
    if wanted.get("property"):
        have = inspect.getattr_static(cls, name)
        if not isinstance(have, property):
            yield f"{where}: should be a property"
        elif wanted["settable"] and have.fset is None:
            yield f"{where}: should be settable"
    elif "params" in wanted:
        method = getattr(cls, name)
        yield from signature_problems(where, method, wanted["params"])
        is_async = inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
        if is_async != wanted["async"]:
            yield f"{where}: should {'' if wanted['async'] else 'not '}be async"


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty and parameter.kind.name not in VARIADIC


def _matches(value: object, wanted: str) -> bool:
    """Whether a default is the one wanted; `<...>` stands for an object that has no literal."""
    return wanted.startswith("<") or _shown(value) == wanted


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, LITERALS) else f"<{type(value).__name__}>"


def _get(module: ModuleType, name: str) -> Any:
    """An attribute or `ABSENT`, also when it is loaded on first use and that fails in any way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(module, name)
        except Exception:
            return ABSENT


def _get_from(module_name: str, name: str) -> Any:
    try:
        return _get(_import(module_name), name)
    except Exception:  # `problems` names it when it comes to that module
        return ABSENT


def _import(name: str) -> ModuleType:
    """Import a module; what Gradio or a model's package warns about is not our subject here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


if __name__ == "__main__":
    for line in problems(load()):
        print(line)
