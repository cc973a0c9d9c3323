"""Find files in the cache of the Hugging Face Hub, and download those that are missing."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence

from ..core.models import ModelError

__all__ = ["HubUnavailable", "hub_files"]

logger = logging.getLogger(__name__)

STEP_TIMEOUT_S = 2.0
"""Timeout of each step of the first request (connect, TLS, response), in seconds."""

CONNECT_TIMEOUT_S = 4.0
"""Timeout of the whole first request, name lookup included, in seconds. A slow response counts as
success: the download has the timeouts of ``huggingface_hub``."""


class HubUnavailable(ModelError):
    """A file is not in the cache and cannot be downloaded; the message states why, in one line."""


def hub_files(repository: str, files: Sequence[str]) -> list[str]:
    """Return the paths of files in the cache of the Hub; download files that are missing.

    Without a connection, ``huggingface_hub`` retries for half a minute before it raises an
    exception. So a short request is sent before the first download.

    Args:
        repository: Owner and name, such as ``"fastrtc/kokoro-onnx"``.
        files: Paths in the repository.

    Raises:
        HubUnavailable: If a file is not in the cache and cannot be downloaded.
    """
    from huggingface_hub import constants, hf_hub_download, hf_hub_url, try_to_load_from_cache

    cached = [try_to_load_from_cache(repository, file) for file in files]
    found = [path for path in cached if isinstance(path, str)]
    if len(found) == len(files):
        return found
    if constants.HF_HUB_OFFLINE:
        raise HubUnavailable("HF_HUB_OFFLINE is set, and the file is not in the cache")
    logger.info("Downloading %s of %s from the Hugging Face Hub", ", ".join(files), repository)
    if (failure := _connect(hf_hub_url(repository, files[0]))) is not None:
        raise HubUnavailable(f"{constants.ENDPOINT} cannot be reached ({failure})")
    try:
        return [hf_hub_download(repository, file) for file in files]
    except Exception as error:  # many types: of the Hub, of HTTP, of the disk
        logger.debug("The download from the Hugging Face Hub failed", exc_info=True)
        # the tracebacks have 70 lines and add nothing to this message
        raise HubUnavailable(_one_line(error.__cause__ or error)) from None


def _connect(url: str) -> str | None:
    """Return why the Hub cannot be reached, or None if it can.

    The request runs in a thread, because a name lookup has no timeout.
    """
    from huggingface_hub import get_session  # uses the proxies and certificates of the downloads

    outcome: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            get_session().head(url, timeout=STEP_TIMEOUT_S)
        except Exception as error:  # of httpx or requests, depending on the version
            slow = type(error).__name__ == "ReadTimeout"
            outcome.put(None if slow else _one_line(error) or type(error).__name__)
        else:
            outcome.put(None)

    threading.Thread(target=ask, name="fastrtc-hub", daemon=True).start()
    try:
        return outcome.get(timeout=CONNECT_TIMEOUT_S)
    except queue.Empty:
        return f"no connection within {CONNECT_TIMEOUT_S:g} s"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
