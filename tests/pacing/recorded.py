"""The failures of a callback, kept."""

import asyncio

from fastrtc.core.failures import CallbackFailures

__all__ = ["Recorded"]


class Recorded(CallbackFailures):
    """Keeps the exceptions that a session would report, and uses the time of the loop."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        super().__init__("test", self._keep, asyncio.get_running_loop().time)

    def _keep(self, name: str, error: Exception) -> None:
        self.errors.append(error)

    @property
    def texts(self) -> list[str]:
        """What they say."""
        return [str(error) for error in self.errors]
