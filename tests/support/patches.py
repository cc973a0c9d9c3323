"""aiortc or aioice without private names that fastrtc uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastrtc.transport.webrtc._aiortc.patch import Patch
from fastrtc.transport.webrtc._aiortc.registry import REGISTRY

__all__ = ["without"]


@contextmanager
def without(*patches: Patch) -> Iterator[None]:
    """Let patches not fit, as if a name that they need were missing.

    Outside an event loop, they must have been checked before.
    """
    REGISTRY.misfits()
    for patch in patches:
        patch._missing.append("a name")
    try:
        yield
    finally:
        for patch in patches:
            patch._missing.clear()
