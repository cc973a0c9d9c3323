"""Requests to a TURN credential service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from .errors import CredentialsMissing, MalformedAnswer, ServiceRefused, ServiceUnreachable

__all__ = ["TIMEOUT_S", "Request", "ask", "ask_async", "checked", "given"]

TIMEOUT_S = 10.0
"""Timeout of connecting to a service, and then of its response, in seconds. Users wait for it
before each connection."""

MAX_ANSWER_BYTES = 300
"""Maximum number of characters of a response that an error message quotes."""


@dataclass(frozen=True)
class Request:
    """A request to a service.

    Attributes:
        service: Name of the service, for errors.
        method: The HTTP method.
        url: The address.
        token: The token that authenticates the caller.
        query: The query parameters.
        body: The body, sent as JSON.
    """

    service: str
    method: str
    url: str
    token: str
    query: dict[str, Any] | None = None
    body: dict[str, Any] | None = None

    def arguments(self, timeout: float) -> dict[str, Any]:
        """Return the keyword arguments of ``httpx.request``.

        Raises:
            CredentialsMissing: If the token has invalid characters.
        """
        if not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            # httpx would quote it in its error
            raise CredentialsMissing(f"The token for {self.service} has invalid characters")
        return {
            "method": self.method,
            "url": self.url,
            "params": self.query,
            "json": self.body,
            "headers": {"Authorization": f"Bearer {self.token}"},
            "timeout": timeout,
        }


def given(argument: str | None, *variables: str) -> str | None:
    """Return an argument or the first environment variable that is set, stripped."""
    values = (argument, *map(os.getenv, variables))
    return next((string for value in values if (string := (value or "").strip())), None)


def ask(request: Request, timeout: float) -> dict[str, Any]:
    """Send a request and return the response.

    Raises:
        CredentialsError: If the request fails; the message names the service.
    """
    try:
        response = httpx.request(**request.arguments(timeout))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unreachable(request, error, timeout) from None
    return _read(request, response)


async def ask_async(
    request: Request, timeout: float, client: httpx.AsyncClient | None
) -> dict[str, Any]:
    """Send a request without blocking the event loop, with the caller's client if there is one."""
    try:
        if client is not None:
            response = await client.request(**request.arguments(timeout))
        else:
            async with httpx.AsyncClient() as own:
                response = await own.request(**request.arguments(timeout))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unreachable(request, error, timeout) from None
    return _read(request, response)


def _unreachable(request: Request, error: Exception, timeout: float) -> ServiceUnreachable:
    reason = (
        f"no answer within {timeout:g} s"
        if isinstance(error, httpx.TimeoutException)
        else str(error) or type(error).__name__
    )
    return ServiceUnreachable(
        f"{request.service} cannot be reached for TURN credentials at {request.url}: {reason}"
    )


def _read(request: Request, response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        shown = " ".join(response.text.split())[:MAX_ANSWER_BYTES] or "(no text)"
        raise ServiceRefused(
            f"{request.service} refused TURN credentials: it responded with "
            f"{response.status_code} {response.reason_phrase}: {shown}",
            response.status_code,
            response.text,
        )
    try:
        answer = response.json()
    except ValueError as error:
        shown = " ".join(response.text.split())[:MAX_ANSWER_BYTES] or "nothing"
        raise MalformedAnswer(
            f"{request.service} responded without JSON to a request for TURN credentials: {shown}"
        ) from error
    return checked(request.service, answer)


def checked(service: str, answer: Any) -> dict[str, Any]:
    """Return a response if it is ``{"iceServers": ...}``, with one server or a list of them.

    Raises:
        MalformedAnswer: If it is not. The message does not quote it, as it may contain a password.
    """
    if not isinstance(answer, dict):
        wrong = f"{type(answer).__name__} instead of an object with iceServers"
    elif not answer.get("iceServers"):
        wrong = "an object without iceServers"
    else:
        servers = answer["iceServers"]
        servers = servers if isinstance(servers, list) else [servers]
        if all(isinstance(s, Mapping) and (s.get("urls") or s.get("url")) for s in servers):
            return answer
        wrong = "iceServers without urls"
    raise MalformedAnswer(f"{service} responded with {wrong} to a request for TURN credentials")
