"""The messages of a telephone call, for any provider."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ...core.close_reason import UNSUPPORTED_DATA
from ...core.context import Call
from ...core.log_throttle import LogThrottle
from ...core.messages import parse_message
from ..socket.events import Invalid, SocketEvent, Start
from .plivo import Plivo
from .provider import MalformedMessage, Provider, shown
from .telnyx import Telnyx
from .twilio import Twilio

__all__ = ["PROVIDERS", "PhoneProtocol", "check_providers"]

logger = logging.getLogger(__name__)
_rejections = LogThrottle()

PROVIDERS: tuple[type[Provider], ...] = (Twilio, Telnyx, Plivo)
"""The supported providers."""


def check_providers(providers: Any) -> tuple[type[Provider], ...]:
    """Validate the providers that a program has chosen; None for all supported ones.

    Raises:
        ValueError: If the value is not a list of classes, or is empty.
    """
    if providers is None:
        return PROVIDERS
    if not isinstance(providers, list | tuple) or not providers:
        raise ValueError(f"phone_providers must be a list of Provider classes, not {providers!r}")
    for one in providers:
        if not isinstance(one, type) or not issubclass(one, Provider):
            raise ValueError(f"phone_providers must be subclasses of Provider, not {one!r}")
    return tuple(providers)


class PhoneProtocol:
    """The ``SocketProtocol`` of telephone calls.

    The provider is recognized by its ``start`` message: each names its stream in its own way. A
    phone has no screen: of the messages of a session only ``log`` is sent, and to Twilio only.

    Args:
        providers: The providers to accept.
    """

    def __init__(self, providers: Sequence[type[Provider]] = PROVIDERS) -> None:
        self._providers = providers
        self._provider: Provider | None = None

    def receive(self, message: str | bytes) -> list[SocketEvent]:
        """Parse a message of the provider; never raises."""
        try:
            event = self._read(_parse(message))
        except MalformedMessage as error:
            if error.close_code is not None:  # providers hardly show our errors
                _rejections.log(logger.warning, "A telephone call was rejected: %s", error)
            return [Invalid(str(error), error.close_code)]
        return [] if event is None else [event]

    def _read(self, message: dict[str, Any]) -> SocketEvent | None:
        event = message.get("event")
        if not isinstance(event, str):
            raise MalformedMessage("there is no string 'event'")
        if self._provider is not None:
            if event == "start":
                raise MalformedMessage("the stream has started already")
            return self._provider.read(event, message)
        if event == "connected":
            return None
        if event != "start":
            raise MalformedMessage(f"{shown(event)} before 'start'")
        return self._begin(message)

    def _begin(self, message: dict[str, Any]) -> Start:
        if not isinstance(message.get("start", {}), dict):
            raise MalformedMessage("'start' is not an object", UNSUPPORTED_DATA)
        for known in self._providers:
            if known.recognises(message):
                provider = known()
                start = provider.begin(message)
                self._provider = provider
                return start
        names = ", ".join(known.name for known in self._providers)
        raise MalformedMessage(f"this is the 'start' of none of {names}", UNSUPPORTED_DATA)

    def started(self, start: Start) -> None:
        """Return None: no provider expects an answer."""

    def audio(self, payload: bytes) -> str:
        """Format audio, which is in the encoding of the ``start``."""
        return self._known.audio(payload)

    def clear(self) -> str:
        """Format the request to drop unplayed audio."""
        return self._known.clear()

    def pause(self) -> None:
        """Return None: no provider holds audio."""

    def resume(self) -> None:
        """Return None."""

    def mark(self, name: str) -> str:
        """Format a mark, which the provider echoes when it has played the audio before it."""
        return self._known.mark(name)

    def pong(self) -> None:
        """Return None: no provider sends pings."""

    def message(self, text: str) -> str | None:
        """Format a message of the session; None if the provider does not accept it."""
        return None if self._provider is None else self._provider.message(text)

    async def hang_up(self, call: Call) -> None:
        """End the call if the provider needs more than the closing of the socket."""
        await self._known.hang_up(call)

    @property
    def _known(self) -> Provider:
        assert self._provider is not None, "nothing is sent before 'start'"
        return self._provider


def _parse(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise MalformedMessage("messages must be JSON in text frames, not binary")
    try:
        return parse_message(message)
    except ValueError as error:
        raise MalformedMessage(str(error)) from error
