"""The reference's import path for handlers and tracks: the same objects, and nothing else."""

import importlib

import pytest

from fastrtc import tracks

HOMES = (
    "fastrtc.core.context",
    "fastrtc.core.errors",
    "fastrtc.core.messages",
    "fastrtc.core.outputs",
    "fastrtc.core.types",
    "fastrtc.handlers.base",
    "fastrtc.handlers.inputs",
    "fastrtc.handlers.kinds",
    "fastrtc.handlers.stream",
    "fastrtc.handlers.video",
    "fastrtc.pacing.worker",
    "fastrtc.transport.webrtc.audio_tracks",
    "fastrtc.transport.webrtc.video_tracks",
)


@pytest.mark.parametrize("name", tracks.__all__)
def test_each_name_is_the_object_of_its_home(name: str):
    homes = [module for module in map(importlib.import_module, HOMES) if name in module.__all__]

    assert len(homes) == 1, f"{name} has {len(homes)} homes"
    assert getattr(tracks, name) is getattr(homes[0], name)


def test_nothing_public_is_left_out():
    # pytest adds names with "@" to the modules of an installed plugin
    public = {name for name in vars(tracks) if not name.startswith(("_", "@"))}
    public -= {"annotations", "logger", "logging"}

    assert public == set(tracks.__all__)
