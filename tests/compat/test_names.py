"""The package has every name without an underscore that FastRTC has, but for what is left out.

`names.json` is the list, `names.py` made it, and `left_out.txt` has the reasons.
"""

import functools
import importlib
import inspect
import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compat import names
from tests.compat.contract import FOLDER, problems

LIST = json.loads((FOLDER / "names.json").read_text(encoding="utf-8"))


@functools.cache
def left_out() -> dict[str, str]:
    """The reason for each difference."""
    found, reason, new = {}, "", False
    for line in (FOLDER / "left_out.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            reason = f"{reason} {line[1:].strip()}".strip() if new else line[1:].strip()
            new = True
        elif line:
            found[line] = reason
            new = False
    return found


def class_problems() -> Iterator[str]:
    """What classes lack of the bases that they have not, and of the attributes they announce."""
    for module_name, module in LIST["modules"].items():
        for name, wanted in module["classes"].items():
            have = getattr(importlib.import_module(module_name), name, None)
            if have is None:  # that it is missing is a difference of its module
                continue
            bases = {f"{base.__module__}.{base.__qualname__}" for base in have.__mro__}
            for base, members in wanted.get("outside", {}).items():
                for member in members:
                    if base not in bases and not hasattr(have, member):
                        yield f"{module_name}.{name}: no {member}, of {base}"
            announced = {key for base in have.__mro__ for key in inspect.get_annotations(base)}
            for attribute in wanted.get("annotated", []):
                if attribute not in announced and not hasattr(have, attribute):
                    yield f"{module_name}.{name}: no {attribute}"


def object_problems(wanted: dict[str, str], have: dict[str, str]) -> Iterator[str]:
    """In what the attributes of one object differ; what was None may be something."""
    for name, value in wanted.items():
        found = have.get(name)
        if found is None:
            yield f"no {name}"
        elif value.startswith("<") != found.startswith("<") or (
            value != found and "<callable>" in (value, found)
        ):
            if value != "None":
                yield f"{name} is {found}, should be {value}"
        elif not value.startswith("<") and value != found:
            yield f"{name} is {found}, should be {value}"


async def test_only_what_is_left_out_is_missing():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Gradio
        found = list(problems(LIST["modules"])) + list(class_problems())
        ours = await names.instances()
    assert ours.keys() == LIST["instances"].keys()
    for made, wanted in LIST["instances"].items():
        found += [f"{made}: {problem}" for problem in object_problems(wanted, ours[made])]

    new = [line for line in dict.fromkeys(found) if line not in left_out()]
    done = [line for line in left_out() if line not in found]
    assert not new, "\n".join(["These differ from FastRTC and must be mended:", *new])
    assert not done, "\n".join(["These are there now: delete them in left_out.txt:", *done])


def test_what_is_left_out_has_a_reason():
    assert all(len(reason) > 20 for reason in left_out().values())


@pytest.mark.parametrize(
    ("wanted", "have", "found"),
    [
        ("<callable>", "<callable>", []),
        ("<Queue>", "<_AudioQueue>", []),
        ("None", "<callable>", []),
        ("'a'", "'a'", []),
        ("'a'", "'b'", ["x is 'b', should be 'a'"]),
        ("<dict>", "None", ["x is None, should be <dict>"]),
        ("<callable>", "<Event>", ["x is <Event>, should be <callable>"]),
        ("<Event>", None, ["no x"]),
    ],
)
def test_attributes(wanted: str, have: str | None, found: list[str]):
    attributes = {} if have is None else {"x": have}

    assert list(object_problems({"x": wanted}, attributes)) == found


def test_an_import_is_no_name_of_the_package():
    listed: dict[str, Any] = LIST["modules"]["fastrtc.utils"]

    assert "AdditionalOutputs" in listed["all"]
    assert not {"asyncio", "np", "Any", "wraps"} & set(listed["all"])
