"""Files of models on the Hugging Face hub, or in its cache."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence

from .core.models import ModelError

__all__ = ["HubUnavailable", "hub_files"]

logger = logging.getLogger(__name__)

STEP_TIMEOUT_S = 2.0
"""How long one step of the first request (connect, TLS, answer) may take."""

CONNECT_TIMEOUT_S = 4.0
"""How long all of it may take, with the look-up of the name. An answer that is only slow counts
as one: the download has the time-outs of ``huggingface_hub``."""


class HubUnavailable(ModelError):
    """A file is not in the cache, and cannot be downloaded; the message says why, in one line."""


def hub_files(repository: str, files: Sequence[str]) -> list[str]:
    """Return the paths of files in the cache of the hub; download them if one is not there.

    ``huggingface_hub`` tries for half a minute before it reports that there is no way to the hub.
    So ask the hub once before the first download.

    Args:
        repository: Owner and name, such as ``"fastrtc/kokoro-onnx"``.
        files: Paths in it.

    Raises:
        HubUnavailable: If a file is not in the cache, and cannot be downloaded.
    """
    from huggingface_hub import constants, hf_hub_download, hf_hub_url, try_to_load_from_cache

    cached = [try_to_load_from_cache(repository, file) for file in files]
    found = [path for path in cached if isinstance(path, str)]
    if len(found) == len(files):
        return found
    if constants.HF_HUB_OFFLINE:
        raise HubUnavailable("HF_HUB_OFFLINE is set, and the cache does not have it")
    logger.info("Downloading %s of %s from the hub", ", ".join(files), repository)
    if (failure := _connect(hf_hub_url(repository, files[0]))) is not None:
        raise HubUnavailable(f"{constants.ENDPOINT} cannot be reached ({failure})")
    try:
        return [hf_hub_download(repository, file) for file in files]
    except Exception as error:  # dozens of kinds: of the hub, of HTTP, of the cache's disk
        logger.debug("The download from the hub failed", exc_info=True)
        # Their tracebacks are of 70 lines, and end with no more than this.
        raise HubUnavailable(_one_line(error.__cause__ or error)) from None


def _connect(url: str) -> str | None:
    """Return why the hub cannot be reached, or None if it can be.

    The request runs in a thread, because the look-up of a name has no time-out.
    """
    from huggingface_hub import get_session  # has the proxies and certificates of the downloads

    outcome: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            get_session().head(url, timeout=STEP_TIMEOUT_S)
        except Exception as error:  # of httpx or requests, as the version has it
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
