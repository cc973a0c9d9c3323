"""ICE credentials in session descriptions, to tell an ICE restart from other requests. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Credentials", "credentials_in"]


@dataclass(frozen=True)
class Credentials:
    """ICE credentials.

    Attributes:
        ufrag: The username fragment.
        password: The password.
    """

    ufrag: str
    password: str


def credentials_in(sdp: str) -> frozenset[Credentials]:
    """Return the ICE credentials of the sections of a session description."""
    found: set[Credentials] = set()
    ufrag = password = None
    for line in sdp.splitlines():
        name, _, value = line.partition(":")
        if name.startswith("m="):
            ufrag = password = None
        elif name == "a=ice-ufrag":
            ufrag = value.strip()
        elif name == "a=ice-pwd":
            password = value.strip()
        if ufrag is not None and password is not None:
            found.add(Credentials(ufrag, password))
    return frozenset(found)
