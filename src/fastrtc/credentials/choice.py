"""One function for all services that give TURN credentials."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from .cloudflare import (
    get_cloudflare_turn_credentials,
    get_cloudflare_turn_credentials_async,
    get_hf_turn_credentials,
    get_hf_turn_credentials_async,
)
from .twilio import get_twilio_turn_credentials, get_twilio_turn_credentials_async

__all__ = ["Method", "get_turn_credentials", "get_turn_credentials_async"]

Method: TypeAlias = Literal["hf", "twilio", "cloudflare"]

_Pair: TypeAlias = tuple[Callable[..., dict[str, Any]], Callable[..., Awaitable[dict[str, Any]]]]

_FUNCTIONS: dict[str, _Pair] = {
    "hf": (get_hf_turn_credentials, get_hf_turn_credentials_async),
    "twilio": (get_twilio_turn_credentials, get_twilio_turn_credentials_async),
    "cloudflare": (get_cloudflare_turn_credentials, get_cloudflare_turn_credentials_async),
}


def get_turn_credentials(method: Method = "cloudflare", **kwargs: Any) -> dict[str, Any]:
    """Ask a service for TURN credentials.

    As ``rtc_configuration`` of a ``Stream`` it is called for each connection:

        Stream(..., rtc_configuration=functools.partial(get_turn_credentials, "twilio"))

    Args:
        method: ``"cloudflare"``, also with a Hugging Face token; ``"twilio"``; or ``"hf"``,
            which is deprecated.
        **kwargs: What the function of that service takes, such as ``ttl``.

    Returns:
        ``{"iceServers": ...}``, and what else the service wants to be in the configuration.

    Raises:
        ValueError: For another method.
        CredentialsError: What went wrong; see the function of the service.
    """
    return _pair(method)[0](**kwargs)


async def get_turn_credentials_async(
    method: Method = "cloudflare", **kwargs: Any
) -> dict[str, Any]:
    """Do as ``get_turn_credentials`` does, without holding the event loop.

    Args:
        method: See there.
        **kwargs: See there; and ``client`` for the services but Twilio.
    """
    return await _pair(method)[1](**kwargs)


def _pair(method: str) -> _Pair:
    if method not in _FUNCTIONS:
        raise ValueError(f"method must be 'cloudflare', 'twilio' or 'hf', not {method!r}")
    return _FUNCTIONS[method]
