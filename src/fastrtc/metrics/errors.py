"""The error of a missing package."""

from __future__ import annotations

from ..core.errors import FastRTCError

__all__ = ["MetricsExtraMissing"]


class MetricsExtraMissing(FastRTCError, ImportError):
    """``prometheus-client`` or ``opentelemetry-api`` is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f'{package} is not installed: pip install "fastrtc[metrics]"')
