"""The package keeps FastRTC's public face, but for what is listed as still to come."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.compat.contract import FOLDER, class_problems, load, problems, signature_problems


def test_only_what_is_listed_is_still_to_come():
    lines = (FOLDER / "still_to_come.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    found = list(problems(load()))

    new = [f"- {line}" for line in found if line not in listed]
    done = [f"- {line}" for line in listed if line not in found]
    assert not new, "\n".join(["These differ from the contract and must be mended:", *new])
    assert not done, "\n".join(["These are there now: delete them in still_to_come.txt:", *done])


def parameters(*names: str, **defaults: str) -> list[dict[str, Any]]:
    kind = "POSITIONAL_OR_KEYWORD"
    return [{"name": name, "kind": kind} for name in names] + [
        {"name": name, "kind": kind, "default": default} for name, default in defaults.items()
    ]


@pytest.mark.parametrize(
    ("function", "wanted", "found"),
    [
        (lambda a, b=1: 0, parameters("a", b="1"), []),
        (lambda self, a: 0, parameters("a"), []),
        (lambda a, b=1, *, more=2: 0, parameters("a", b="1"), []),
        (lambda a=dict: 0, parameters(a="<type>"), []),
        (lambda b, a: 0, parameters("a", "b"), ["should start with ['a', 'b']"]),
        (lambda a: 0, parameters("a", "b"), ["should start with", "no parameter b"]),
        (lambda a: 0, parameters(a="1"), ["a has no default, should be 1"]),
        (lambda a=2: 0, parameters(a="1"), ["a defaults to 2, should be 1"]),
        (lambda a, b: 0, parameters("a"), ["extra parameter b has no default"]),
        (lambda: 0, [{"name": "args", "kind": "VAR_POSITIONAL"}], ["takes no *args"]),
        (lambda: 0, None, []),
    ],
)
def test_signatures(function, wanted, found: list[str]):
    have = list(signature_problems("f", function, wanted))

    assert len(have) == len(found)
    assert all(part in line for part, line in zip(found, have, strict=True)), have


@dataclass
class Example:
    size: int = 3
    made: list[int] = field(default_factory=list)

    @property
    def area(self) -> int:
        return self.size

    async def grow(self, by: int) -> None: ...


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"bases": ["Example", "object"]}, []),
        ({"bases": ["Stream"]}, ["is no subclass of Stream"]),
        ({"fields": [{"name": "size", "default": "3"}, {"name": "made", "default": "<f>"}]}, []),
        ({"fields": [{"name": "size", "default": "4"}]}, ["defaults to 3, should be 4"]),
        ({"fields": [{"name": "made"}]}, ["should start with ['made']"]),
        ({"model_fields": {"size": {}}}, ["no model field size"]),
        ({"typed_dict": ["size"]}, []),
        ({"typed_dict": ["end"]}, ["no key end"]),
        ({"abstract": ["grow"]}, ["abstract methods [], should be ['grow']"]),
        ({"members": {"area": {"property": True, "settable": False}}}, []),
        ({"members": {"area": {"property": True, "settable": True}}}, ["should be settable"]),
        ({"members": {"grow": {"property": True}}}, ["should be a property"]),
        ({"members": {"grow": {"params": parameters("self", "by"), "async": True}}}, []),
        ({"members": {"grow": {"params": None, "async": False}}}, ["should not be async"]),
        ({"members": {"shrink": {"params": None}}}, ["Example.shrink: no such member"]),
        ({"members": {"colour": {"value": "'red'"}}}, []),
    ],
)
def test_classes(wanted: dict[str, Any], found: list[str]):
    have = list(class_problems("Example", Example, wanted))

    assert len(have) == len(found)
    assert all(part in line for part, line in zip(found, have, strict=True)), have


def test_names_are_looked_up_where_they_should_be():
    wanted = {"all": [], "names": [["loads", "json.decoder"]], "functions": {}, "classes": {}}

    assert list(problems({"json": wanted})) == []
    wanted["names"] = [["dumps", "json"], ["decoder", None], ["encode", None], ["load", "pickle"]]
    assert list(problems({"json": wanted, "json.gone": wanted})) == [
        "json.encode: not importable from here",
        "json.load: not the same object as pickle.load",
        "json.gone: cannot be imported: ModuleNotFoundError(\"No module named 'json.gone'\")",
    ]
