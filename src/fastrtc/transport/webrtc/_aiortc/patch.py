"""The description of a use of private names, and the check that they exist."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .samples import Samples

__all__ = ["Patch", "is_there"]


@dataclass(frozen=True)
class Patch:
    """A use of private names of aiortc or aioice.

    The path of a name begins at a module, such as ``"aiortc.rtcrtpreceiver.threading"``, or at an
    object of a class, such as ``"RTCRtpReceiver()._handle_rtp_packet"``.

    Attributes:
        name: Its purpose, in a few words.
        target: The object that is replaced, wrapped or read.
        seen: The versions whose code was read.
        needs: The paths of all required names.
        uses: The paths of optional names, which only some of the versions have.
        lost: The consequence of its absence, as a clause for the log.
        upstream: Where it is proposed or discussed upstream: a page of this project's
            documentation, or a URL.
        delete_when: The condition for its removal.
        is_bound: Whether it bounds what a client can cost: without it, offers are refused.
        trial: Called if all names exist; raises an exception if they have an unexpected shape.
    """

    name: str
    target: str
    seen: str
    needs: tuple[str, ...]
    lost: str
    upstream: str
    delete_when: str
    uses: tuple[str, ...] = ()
    is_bound: bool = False
    trial: Callable[[], None] | None = None
    _missing: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def fits(self) -> bool:
        """Whether the last check found all names; true before the first."""
        return not self._missing

    @property
    def missing(self) -> tuple[str, ...]:
        """The names that the last check did not find."""
        return tuple(self._missing)

    def check(self, samples: Samples) -> bool:
        """Check each name, and return whether all exist.

        Args:
            samples: Objects of the classes that paths begin at.
        """
        missing = [path for path in self.needs if not is_there(path, samples)]
        if not missing and self.trial is not None:
            try:
                self.trial()
            except Exception as error:
                missing.append(f"{self.target} has an unexpected shape: {error!r}")
        self._missing[:] = missing
        return not missing


def is_there(path: str, samples: Samples) -> bool:
    """Return whether the name at a path exists.

    Args:
        path: A path as described at ``Patch``.
        samples: Objects of the classes that paths begin at.
    """
    try:
        if "()" in path:
            name, _, rest = path.partition("()")
            found = samples.get(name)
        else:
            found, rest = _module(path)
        for attribute in filter(None, rest.split(".")):
            found = getattr(found, attribute)
    except Exception:  # a constructor or a property of another version may raise anything
        return False
    return True


def _module(path: str) -> tuple[Any, str]:
    """Return the module that a path begins at, and the rest of the path."""
    name, rest = path, ""
    while True:
        try:
            return importlib.import_module(name), rest
        except ModuleNotFoundError:
            name, _, last = name.rpartition(".")
            if not name:
                raise
            rest = f"{last}.{rest}"
