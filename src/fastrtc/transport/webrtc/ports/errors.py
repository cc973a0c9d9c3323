"""Errors of ports."""

from __future__ import annotations

from ....core.errors import FastRTCError

__all__ = ["PortUnavailable"]


class PortUnavailable(FastRTCError, OSError):
    """A port of ``Ice`` cannot be opened: another process has it, or it is not permitted."""
