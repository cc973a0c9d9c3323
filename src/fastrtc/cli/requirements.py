"""Requirements of packages, and which of them are installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement

__all__ = ["Need", "extras", "needs_of"]


@dataclass(frozen=True)
class Need:
    """A required package.

    Attributes:
        name: Its name.
        wanted: The compatible versions, such as ``>=1.15``; empty if any is.
        installed: The installed version, or None.
        fits: Whether the installed version is compatible.
    """

    name: str
    wanted: str
    installed: str | None
    fits: bool

    @property
    def requirement(self) -> str:
        """The argument for ``pip install``."""
        return f"{self.name}{self.wanted}"


def needs_of(requirement: str) -> list[Need]:
    """Check a package and, if extras are requested, the requirements of these extras."""
    parsed = Requirement(requirement)
    try:
        installed = version(parsed.name)
    except PackageNotFoundError:
        return [Need(parsed.name, str(parsed.specifier), None, False)]
    fits = parsed.specifier.contains(installed, prereleases=True)
    found = [Need(parsed.name, str(parsed.specifier), installed, fits)]
    for extra in sorted(parsed.extras):
        for needed in _brought_by(parsed.name, extra):
            found += needs_of(needed)
    return found


def extras(package: str = "fastrtc") -> dict[str, list[Need]]:
    """Return the requirements of each extra of a package; under "" those of the package itself.

    Empty if the package is not installed.
    """
    try:
        names = ("", *(metadata(package).get_all("Provides-Extra") or ()))
    except PackageNotFoundError:
        return {}
    return {
        extra: [need for needed in _brought_by(package, extra) for need in needs_of(needed)]
        for extra in names
    }


def _brought_by(package: str, extra: str) -> Iterator[str]:
    """Return the requirements of an extra, or of the package itself, for this Python and system."""
    for line in requires(package) or ():
        requirement = Requirement(line)
        marker, requirement.marker = requirement.marker, None
        is_own = marker is None or marker.evaluate({"extra": ""})
        if is_own if not extra else not is_own and marker and marker.evaluate({"extra": extra}):
            yield str(requirement)
