"""One function for all TURN credential services."""

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
    """Request TURN credentials from a service.

    As ``rtc_configuration`` of a ``Stream``, it is called for each connection:

        Stream(..., rtc_configuration=functools.partial(get_turn_credentials, "twilio"))

    Args:
        method: ``"cloudflare"``, also with a Hugging Face token; ``"twilio"``; or ``"hf"``,
            which is deprecated.
        **kwargs: Arguments of the service's function, such as ``ttl``.

    Returns:
        ``{"iceServers": ...}``, and further entries that the service requires.

    Raises:
        ValueError: For another method.
        CredentialsError: If the request fails; see the function of the service.
    """
    return _pair(method)[0](**kwargs)


async def get_turn_credentials_async(
    method: Method = "cloudflare", **kwargs: Any
) -> dict[str, Any]:
    """Request TURN credentials from a service without blocking the event loop.

    Args:
        method: See ``get_turn_credentials``.
        **kwargs: See ``get_turn_credentials``; also ``client``, except for Twilio.
    """
    return await _pair(method)[1](**kwargs)


def _pair(method: str) -> _Pair:
    if method not in _FUNCTIONS:
        raise ValueError(f"method must be 'cloudflare', 'twilio' or 'hf', not {method!r}")
    return _FUNCTIONS[method]
