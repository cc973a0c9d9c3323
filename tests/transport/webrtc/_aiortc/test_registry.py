"""Each name that is reached into is taken away, one by one: it is missed, said once, and shown."""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
import sys
from enum import EnumMeta
from pathlib import Path
from typing import Any

import aiortc.jitterbuffer
import pytest

import fastrtc
from fastrtc.cli import doctor
from fastrtc.core.errors import SessionRefused
from fastrtc.transport.webrtc._aiortc import audio_packets, consent, ice, picture_size, registry
from fastrtc.transport.webrtc._aiortc.patch import Patch, is_there
from fastrtc.transport.webrtc._aiortc.registry import REGISTRY, Registry, versions
from fastrtc.transport.webrtc._aiortc.samples import Samples
from tests.support.patches import without

OURS = Path(fastrtc.__file__).parent
UPSTREAM = (Path(__file__).parents[4] / "docs" / "upstream.md").read_text(encoding="utf-8")

NEEDS = [(patch, path) for patch in REGISTRY.patches for path in patch.needs]
BOUNDS = [patch for patch in REGISTRY.patches if patch.is_bound]


def named(value: Any) -> str | None:
    return value.name.replace(" ", "-") if isinstance(value, Patch) else None


def is_theirs(owner: Any) -> bool:
    if isinstance(owner, EnumMeta):  # has no members to take away, but can be taken away itself
        return False
    module = owner.__name__ if hasattr(owner, "__spec__") else type(owner).__module__
    if isinstance(owner, type):
        module = owner.__module__
    return module.partition(".")[0] in ("aiortc", "aioice")


def take_away(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete what a path names, or what of it is aiortc's or aioice's own."""
    if "()" in path:
        name, _, rest = path.partition("()")
        found = Samples().get(name)
        attributes = rest.strip(".").split(".")
    else:
        parts = path.split(".")
        depth = 3 if parts[1] in ("codecs",) and parts[2] in ("vpx", "h264") else 2
        found, attributes = importlib.import_module(".".join(parts[:depth])), parts[depth:]
    owners = []
    for attribute in attributes:
        owners.append((found, attribute))
        found = getattr(found, attribute)
    owner, attribute = next(o for o in reversed(owners) if is_theirs(o[0]))
    if attribute not in getattr(owner, "__dict__", ()) or isinstance(owner, type):
        kind = owner if isinstance(owner, type) else type(owner)
        holders = [base for base in kind.__mro__ if attribute in vars(base)]
        assert holders, path
        for holder in holders:
            monkeypatch.delattr(holder, attribute)
    elif hasattr(owner, "__spec__"):
        monkeypatch.delattr(owner, attribute)
    else:
        _take_from_new_objects(type(owner), attribute, monkeypatch)


def _take_from_new_objects(kind: type, attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original: Any = kind.__init__  # type: ignore[misc]

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        delattr(self, attribute)

    monkeypatch.setattr(kind, "__init__", init)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == registry.__name__]


async def test_all_patches_fit_what_is_installed(caplog: pytest.LogCaptureFixture) -> None:
    assert Registry(REGISTRY.patches).check() == []
    assert not warnings(caplog)


@pytest.mark.parametrize(("patch", "path"), NEEDS, ids=named)
async def test_a_name_that_is_missing_is_said_once(
    patch: Patch, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = Registry([patch])
    with monkeypatch.context() as changed:
        take_away(path, changed)
        assert one.check() == one.check() == [patch]
    assert path in patch.missing
    (warning,) = warnings(caplog)
    assert warning.startswith(f"{versions()} do not fit the patch for {patch.name!r}")
    assert path in warning and patch.lost in warning
    assert patch.check(Samples())


async def test_a_jitter_buffer_of_another_shape_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(aiortc.jitterbuffer.JitterBuffer, "add", lambda self, packet: None)
        assert not audio_packets.PATCH.check(Samples())
    (missing,) = audio_packets.PATCH.missing
    assert "returned None, not (False, None)" in missing
    assert audio_packets.PATCH.check(Samples())


async def test_a_constructor_with_other_arguments_loses_all_of_its_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as changed:
        changed.setattr("aioice.Connection.__init__", lambda self: None)
        assert not consent.PATCH.check(Samples())
    assert "Connection()._nominated.values" in consent.PATCH.missing
    assert consent.PATCH.check(Samples())


async def test_names_of_some_versions_may_be_missing() -> None:
    samples = Samples()
    for patch in REGISTRY.patches:
        assert not set(patch.uses) & set(patch.needs)
    assert not is_there("RTCRtpReceiver()._no_such_name", samples)
    assert not is_there("aiortc.no_such_module.name", samples)
    assert not is_there("no_such_package.name", samples)
    assert not is_there("NoSuchClass().name", samples)


@pytest.mark.parametrize("patch", BOUNDS, ids=named)
async def test_a_connection_without_a_bound_is_refused(patch: Patch) -> None:
    REGISTRY.require_bounds()
    with without(patch), pytest.raises(SessionRefused) as raised:
        REGISTRY.require_bounds()
    assert raised.value.code == "unsupported_aiortc"
    reason = raised.value.details["reason"]
    assert f"({patch.name})" in reason
    assert versions() not in reason  # which is nobody's business


async def test_other_patches_are_done_without() -> None:
    with without(*(patch for patch in REGISTRY.patches if not patch.is_bound)):
        REGISTRY.require_bounds()


@pytest.fixture
def checked() -> None:
    async def check() -> None:
        REGISTRY.misfits()

    asyncio.run(check())


def test_doctor_shows_what_does_not_fit(checked: None) -> None:
    (fits,) = doctor._patches()
    assert (fits.state, fits.detail) == (
        "ok",
        f"all {len(REGISTRY.patches)} patches fit {versions()}",
    )
    with without(ice.PATCH, consent.PATCH):
        wrong, note = doctor._patches()
    assert (wrong.state, wrong.name) == ("wrong", "patch ICE")
    assert "a name is missing. WebRTC connections are refused, as" in wrong.detail
    assert (note.state, note.name) == ("note", "patch consent freshness")
    assert note.detail.endswith(f"Without it, {consent.PATCH.lost}")


def test_doctor_does_not_say_it_in_the_log_too(
    checked: None, caplog: pytest.LogCaptureFixture
) -> None:
    with without(picture_size.PATCH):
        list(doctor._patches())
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_doctor_says_that_aiortc_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, registry.__name__, None)  # type: ignore[arg-type]
    (wrong,) = doctor._patches()
    assert (wrong.name, wrong.state) == ("aiortc's internals", "wrong")
    assert wrong.detail.startswith("cannot be imported: ")


# What is written about each patch


def test_each_patch_has_a_name_of_its_own_and_says_everything() -> None:
    names = [patch.name for patch in REGISTRY.patches]
    assert len({*names}) == len(names)
    for patch in REGISTRY.patches:
        for text in (patch.target, patch.seen, patch.lost, patch.delete_when):
            assert text and not text.endswith("."), patch.name


@pytest.mark.parametrize("patch", REGISTRY.patches, ids=named)
def test_each_patch_is_proposed_upstream(patch: Patch) -> None:
    page, _, anchor = patch.upstream.partition("#")
    headings = re.findall(r"^#+ (.*)$", UPSTREAM, re.MULTILINE)
    anchors = {re.sub(r"[^\w-]+", "-", heading.lower()).strip("-") for heading in headings}
    assert page == "upstream.md"
    assert anchor in anchors


def test_each_module_that_has_a_patch_is_in_the_registry() -> None:
    defined = set()
    for path in (OURS / "transport" / "webrtc" / "_aiortc").glob("*.py"):
        module = importlib.import_module(f"{registry.__package__}.{path.stem}")
        defined |= {id(value) for value in vars(module).values() if isinstance(value, Patch)}
    assert defined == {id(patch) for patch in REGISTRY.patches}
