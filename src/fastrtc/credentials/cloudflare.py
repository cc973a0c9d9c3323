"""TURN credentials from Cloudflare: with a Cloudflare account, or through Hugging Face."""

from __future__ import annotations

import warnings
from typing import Any
from urllib.parse import quote

import httpx

from .errors import CredentialsMissing
from .service import TIMEOUT_S, Request, ask, ask_async, given

__all__ = [
    "CLOUDFLARE_URL",
    "HF_URL",
    "get_cloudflare_turn_credentials",
    "get_cloudflare_turn_credentials_async",
    "get_hf_turn_credentials",
    "get_hf_turn_credentials_async",
]

HF_URL = "https://turn.fastrtc.org/credentials"
"""The service that issues Cloudflare credentials for Hugging Face tokens."""

CLOUDFLARE_URL = "https://rtc.live.cloudflare.com/v1/turn/keys"
"""Cloudflare's API of TURN keys."""


def get_cloudflare_turn_credentials(
    turn_key_id: str | None = None,
    turn_key_api_token: str | None = None,
    hf_token: str | None = None,
    ttl: int = 600,
    *,
    timeout: float = TIMEOUT_S,
    hf_url: str = HF_URL,
    cloudflare_url: str = CLOUDFLARE_URL,
) -> dict[str, Any]:
    """Request credentials for Cloudflare's TURN servers.

    It authenticates with the first of these that is set: ``hf_token``; ``turn_key_id`` and
    ``turn_key_api_token``; the environment variable ``HF_TOKEN``; the variables
    ``CLOUDFLARE_TURN_KEY_ID`` and ``CLOUDFLARE_TURN_KEY_API_TOKEN``, or ``TURN_KEY_ID`` and
    ``TURN_KEY_API_TOKEN``. The key may be an argument and its token a variable, or vice versa.

    Args:
        turn_key_id: The id of a TURN key of a Cloudflare account.
        turn_key_api_token: The API token of the key.
        hf_token: A Hugging Face token, instead of both.
        ttl: How long the credentials are valid, in seconds.
        timeout: Timeout of the request, in seconds.
        hf_url: The address of the service for Hugging Face tokens.
        cloudflare_url: The address of Cloudflare's TURN keys.

    Returns:
        ``{"iceServers": ...}``, as in the response: new credentials at each call.
        ``CachedTurnCredentials`` shares them between connections.

    Raises:
        CredentialsMissing: A ``ValueError``: there is no token or key.
        ServiceRefused: The service responded with an error, which the message quotes.
        ServiceUnreachable: An ``httpx.TransportError``: no response, or none in time.
        MalformedAnswer: A ``ValueError``: the response has no ICE servers.
    """
    request = _request(turn_key_id, turn_key_api_token, hf_token, ttl, hf_url, cloudflare_url)
    return ask(request, timeout)


async def get_cloudflare_turn_credentials_async(
    turn_key_id: str | None = None,
    turn_key_api_token: str | None = None,
    hf_token: str | None = None,
    ttl: int = 600,
    client: httpx.AsyncClient | None = None,
    *,
    timeout: float = TIMEOUT_S,
    hf_url: str = HF_URL,
    cloudflare_url: str = CLOUDFLARE_URL,
) -> dict[str, Any]:
    """Request credentials for Cloudflare's TURN servers without blocking the event loop.

    The arguments except ``client``, and the errors, are those of
    ``get_cloudflare_turn_credentials``.

    Args:
        turn_key_id: The id of a TURN key of a Cloudflare account.
        turn_key_api_token: The API token of the key.
        hf_token: A Hugging Face token, instead of both.
        ttl: How long the credentials are valid, in seconds.
        client: The client that sends the request, which stays open; by default, each call creates
            one.
        timeout: Timeout of the request, in seconds; it overrides the client's own.
        hf_url: The address of the service for Hugging Face tokens.
        cloudflare_url: The address of Cloudflare's TURN keys.
    """
    request = _request(turn_key_id, turn_key_api_token, hf_token, ttl, hf_url, cloudflare_url)
    return await ask_async(request, timeout, client)


def get_hf_turn_credentials(
    token: str | None = None, ttl: int = 600, *, timeout: float = TIMEOUT_S, url: str = HF_URL
) -> dict[str, Any]:
    """Request credentials with a Hugging Face token only.

    Deprecated, with a ``UserWarning``: ``get_cloudflare_turn_credentials`` accepts the token, too.

    Args:
        token: The token; by default the environment variable ``HF_TOKEN``.
        ttl: How long the credentials are valid, in seconds.
        timeout: Timeout of the request, in seconds.
        url: The address of the service.

    Returns:
        ``{"iceServers": ...}``, as in the response.

    Raises:
        CredentialsError: As for ``get_cloudflare_turn_credentials``.
    """
    _warn_of_hf("get_hf_turn_credentials", "get_cloudflare_turn_credentials")
    return ask(_hf_request(_hf_token(token), ttl, url), timeout)


async def get_hf_turn_credentials_async(
    token: str | None = None,
    ttl: int = 600,
    client: httpx.AsyncClient | None = None,
    *,
    timeout: float = TIMEOUT_S,
    url: str = HF_URL,
) -> dict[str, Any]:
    """Request credentials with a Hugging Face token only, without blocking the event loop.

    Deprecated, as ``get_hf_turn_credentials`` is.

    Args:
        token: The token; by default the environment variable ``HF_TOKEN``.
        ttl: How long the credentials are valid, in seconds.
        client: The client that sends the request, which stays open; by default, each call creates
            one.
        timeout: Timeout of the request, in seconds; it overrides the client's own.
        url: The address of the service.
    """
    _warn_of_hf("get_hf_turn_credentials_async", "get_cloudflare_turn_credentials_async")
    return await ask_async(_hf_request(_hf_token(token), ttl, url), timeout, client)


def _request(
    turn_key_id: str | None,
    turn_key_api_token: str | None,
    hf_token: str | None,
    ttl: int,
    hf_url: str,
    cloudflare_url: str,
) -> Request:
    """Create the request to the service that the available token or key belongs to."""
    if token := given(hf_token):
        return _hf_request(token, ttl, hf_url)
    key_id = given(turn_key_id, "CLOUDFLARE_TURN_KEY_ID", "TURN_KEY_ID")
    key_token = given(turn_key_api_token, "CLOUDFLARE_TURN_KEY_API_TOKEN", "TURN_KEY_API_TOKEN")
    has_key = key_id is not None and key_token is not None
    is_explicit = given(turn_key_id) or given(turn_key_api_token)
    if not (has_key and is_explicit) and (token := given(None, "HF_TOKEN")):
        return _hf_request(token, ttl, hf_url)
    if key_id is None or key_token is None:
        raise CredentialsMissing(_what_is_missing(key_id, key_token))
    return Request(
        "Cloudflare",
        "POST",
        f"{cloudflare_url}/{quote(key_id, safe='')}/credentials/generate-ice-servers",
        key_token,
        body={"ttl": ttl},
    )


def _what_is_missing(key_id: str | None, key_token: str | None) -> str:
    if key_id is not None:
        return (
            "The TURN key of Cloudflare has no token: pass turn_key_api_token, or set "
            "CLOUDFLARE_TURN_KEY_API_TOKEN"
        )
    if key_token is not None:
        return (
            "The token of Cloudflare has no TURN key: pass turn_key_id, or set "
            "CLOUDFLARE_TURN_KEY_ID"
        )
    return (
        "TURN credentials from Cloudflare need a Hugging Face token (hf_token, or the environment "
        "variable HF_TOKEN), or a TURN key and its token (turn_key_id and turn_key_api_token, or "
        "CLOUDFLARE_TURN_KEY_ID and CLOUDFLARE_TURN_KEY_API_TOKEN)"
    )


def _hf_token(token: str | None) -> str:
    if found := given(token, "HF_TOKEN"):
        return found
    raise CredentialsMissing(
        "TURN credentials through Hugging Face need a token: pass token, or set the environment "
        "variable HF_TOKEN"
    )


def _hf_request(token: str, ttl: int, url: str) -> Request:
    return Request("Hugging Face", "GET", url, token, query={"ttl": ttl})


def _warn_of_hf(old: str, new: str) -> None:
    # a UserWarning, as in FastRTC 0.0.34
    warnings.warn(f"{old} is deprecated: use {new}(hf_token=...)", UserWarning, stacklevel=3)
