"""Locate or download the file of the Smart Turn model."""

from __future__ import annotations

import os
from pathlib import Path

from ..hub import HubUnavailable, find_packaged_file, hub_files
from .errors import INSTALL, TurnModelUnavailable

__all__ = ["find_local_file", "find_model_file"]

VARIABLE = "FASTRTC_SMART_TURN_MODEL"
"""Environment variable with the path of a model file; only an explicit path goes before it."""

PACKAGE = "pipecat"
PACKAGED_FILE = "audio/turn/smart_turn/data/smart-turn-v3*-cpu.onnx"
"""The package ``pipecat-ai`` includes the model; it is not imported."""

HUB_REPOSITORY, HUB_FILE = "pipecat-ai/smart-turn-v3", "smart-turn-v3.2-cpu.onnx"
"""On the Hugging Face Hub."""


def find_model_file(path: str | Path | None = None) -> Path:
    """Return the path of a Smart Turn v3 model on this machine; otherwise download one.

    The first of: *path*; the path in the environment variable ``FASTRTC_SMART_TURN_MODEL``; the
    file in the package ``pipecat-ai``, if that is installed; ``pipecat-ai/smart-turn-v3`` on the
    Hugging Face Hub, or in its cache.

    Args:
        path: The path of a file; None to search for one.

    Raises:
        TurnModelUnavailable: If *path* or the path in the variable does not exist, or none of these
            has a model.
    """
    return find_local_file(path) or _file_of_hub()


def find_local_file(path: str | Path | None = None) -> Path | None:
    """Return the path of a Smart Turn model like `find_model_file`, but never download one.

    Raises:
        TurnModelUnavailable: If *path* or the path in the variable does not exist.
    """
    for name, chosen in (("path", path), (VARIABLE, os.environ.get(VARIABLE))):
        if chosen:
            file = Path(chosen).expanduser()
            if not file.is_file():
                raise TurnModelUnavailable(f"{name} is {str(chosen)!r}, which is not a file")
            return file
    return find_packaged_file(PACKAGE, PACKAGED_FILE)


def _file_of_hub() -> Path:
    try:
        return Path(hub_files(HUB_REPOSITORY, [HUB_FILE])[0])
    except HubUnavailable as error:
        raise TurnModelUnavailable(
            f"No Smart Turn model found: set {VARIABLE} to the path of one, or run "
            f"`pip install --no-deps pipecat-ai`, which contains it ({INSTALL} installs only its "
            f"runtime). {HUB_REPOSITORY} could not be downloaded from the Hugging Face Hub: {error}"
        ) from None
