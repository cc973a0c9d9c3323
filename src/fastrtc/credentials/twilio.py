"""TURN credentials from Twilio, through its own package."""

from __future__ import annotations

import functools
import json
from typing import Any

from ..core.tasks import run_in_thread
from .errors import CredentialsMissing, MalformedAnswer, PackageMissing, ServiceUnreachable
from .service import TIMEOUT_S, checked, given

__all__ = ["get_twilio_turn_credentials", "get_twilio_turn_credentials_async"]

UNREACHABLE = "Twilio cannot be reached for TURN credentials"


def get_twilio_turn_credentials(
    twilio_sid: str | None = None,
    twilio_token: str | None = None,
    *,
    ttl: int | None = None,
    timeout: float = TIMEOUT_S,
    http_client: Any = None,
) -> dict[str, Any]:
    """Request credentials for Twilio's TURN servers.

    Args:
        twilio_sid: The SID of the account; by default the environment variable
            ``TWILIO_ACCOUNT_SID``.
        twilio_token: Its auth token; by default the environment variable ``TWILIO_AUTH_TOKEN``.
        ttl: How long the credentials are valid, in seconds; by default Twilio's 24 hours.
        timeout: Timeout of the request, in seconds.
        http_client: The ``HttpClient`` of ``twilio.http`` that sends the request, with its own
            timeout. By default, each call creates one.

    Returns:
        ``{"iceServers": [...], "iceTransportPolicy": "relay"}``.

    Raises:
        PackageMissing: An ``ImportError``: ``twilio`` is not installed.
        CredentialsMissing: A ``ValueError``: no SID, or no token.
        twilio.base.exceptions.TwilioException: Twilio refused the request; the message says why.
        ServiceUnreachable: An ``httpx.TransportError``: no response, or none in time.
        MalformedAnswer: A ``ValueError``: the response has no ICE servers.
    """
    client_class = _client_class()
    account = _account(twilio_sid, twilio_token)
    import requests  # used by twilio
    from twilio.http.http_client import TwilioHttpClient

    own = None if http_client else TwilioHttpClient(timeout=timeout)
    try:
        tokens = client_class(*account, http_client=http_client or own).tokens
        token = tokens.create(**_wanted(ttl))
    except requests.Timeout:
        raise ServiceUnreachable(f"{UNREACHABLE}: no answer within {timeout:g} s") from None
    except requests.RequestException as error:
        raise ServiceUnreachable(f"{UNREACHABLE}: {error}") from None
    except (json.JSONDecodeError, AttributeError) as error:  # it assumes that any JSON is an object
        raise MalformedAnswer(
            "Twilio responded without a JSON object to a request for TURN credentials"
        ) from error
    finally:
        if own is not None and own.session is not None:
            own.session.close()
    return _configuration(token)


async def get_twilio_turn_credentials_async(
    twilio_sid: str | None = None,
    twilio_token: str | None = None,
    *,
    ttl: int | None = None,
    timeout: float = TIMEOUT_S,
    http_client: Any = None,
) -> dict[str, Any]:
    """Request credentials for Twilio's TURN servers without blocking the event loop.

    The arguments and errors are those of ``get_twilio_turn_credentials``. It runs in a thread: the
    async client of ``twilio`` 9.13 has no working timeout, and needs names that aiohttp 4 removed.
    """
    ask = functools.partial(
        get_twilio_turn_credentials,
        twilio_sid,
        twilio_token,
        ttl=ttl,
        timeout=timeout,
        http_client=http_client,
    )
    return await run_in_thread(ask)


def _client_class() -> Any:
    try:
        from twilio.rest import Client
    except ImportError as error:
        raise PackageMissing(
            'TURN credentials from Twilio need its package: pip install "fastrtc[phone]"'
        ) from (None if error.name in ("twilio", "twilio.rest") else error)
    return Client


def _account(twilio_sid: str | None, twilio_token: str | None) -> tuple[str, str]:
    sid = given(twilio_sid, "TWILIO_ACCOUNT_SID")
    token = given(twilio_token, "TWILIO_AUTH_TOKEN")
    if sid is not None and token is not None:
        return sid, token
    missing = [] if sid else ["twilio_sid (or set TWILIO_ACCOUNT_SID)"]
    missing += [] if token else ["twilio_token (or set TWILIO_AUTH_TOKEN)"]
    raise CredentialsMissing(f"TURN credentials from Twilio need {' and '.join(missing)}")


def _wanted(ttl: int | None) -> dict[str, Any]:
    return {} if ttl is None else {"ttl": ttl}


def _configuration(token: Any) -> dict[str, Any]:
    answer = checked("Twilio", {"iceServers": token.ice_servers})
    return {**answer, "iceTransportPolicy": "relay"}
