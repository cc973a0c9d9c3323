"""One exchange with a service that gives TURN credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from .errors import CredentialsMissing, MalformedAnswer, ServiceRefused, ServiceUnreachable

__all__ = ["TIMEOUT_S", "Request", "ask", "ask_async", "checked", "given"]

TIMEOUT_S = 10.0
"""How long a service may take to be connected to, and then to answer, in seconds. A person
waits for it before each connection."""

MAX_ANSWER_BYTES = 300
"""Characters of an answer that are shown in an error."""


@dataclass(frozen=True)
class Request:
    """What a service is asked.

    Attributes:
        service: Its name, for errors.
        method: The HTTP method.
        url: The address.
        token: What the caller identifies itself with.
        query: The parameters in the address.
        body: What is sent as JSON.
    """

    service: str
    method: str
    url: str
    token: str
    query: dict[str, Any] | None = None
    body: dict[str, Any] | None = None

    def arguments(self, timeout: float) -> dict[str, Any]:
        """What httpx takes to send it."""
        if not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            # httpx would show it in its error
            raise CredentialsMissing(f"The token for {self.service} has characters of no token")
        return {
            "method": self.method,
            "url": self.url,
            "params": self.query,
            "json": self.body,
            "headers": {"Authorization": f"Bearer {self.token}"},
            "timeout": timeout,
        }


def given(argument: str | None, *variables: str) -> str | None:
    """Give an argument, or the first environment variable that is set; without line ends."""
    values = (argument, *map(os.getenv, variables))
    return next((text for value in values if (text := (value or "").strip())), None)


def ask(request: Request, timeout: float) -> dict[str, Any]:
    """Send a request and give what was answered.

    Raises:
        CredentialsError: What went wrong, naming the service.
    """
    try:
        response = httpx.request(**request.arguments(timeout))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unreachable(request, error, timeout) from None
    return _read(request, response)


async def ask_async(
    request: Request, timeout: float, client: httpx.AsyncClient | None
) -> dict[str, Any]:
    """Do the same without holding the event loop, with a client that is there if one is."""
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
        f"{request.service} cannot be asked for TURN credentials at {request.url}: {reason}"
    )


def _read(request: Request, response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        shown = " ".join(response.text.split())[:MAX_ANSWER_BYTES] or "(no text)"
        raise ServiceRefused(
            f"{request.service} gives no TURN credentials: it answered "
            f"{response.status_code} {response.reason_phrase}: {shown}",
            response.status_code,
            response.text,
        )
    try:
        answer = response.json()
    except ValueError as error:
        shown = " ".join(response.text.split())[:MAX_ANSWER_BYTES] or "nothing"
        raise MalformedAnswer(
            f"{request.service} answered no JSON when asked for TURN credentials: {shown}"
        ) from error
    return checked(request.service, answer)


def checked(service: str, answer: Any) -> dict[str, Any]:
    """Give an answer if it is ``{"iceServers": ...}``, with one server or a list of them.

    Raises:
        MalformedAnswer: If not. It does not show the answer, which may hold a password.
    """
    if not isinstance(answer, dict):
        wrong = f"{type(answer).__name__} instead of an object with iceServers"
    elif not answer.get("iceServers"):
        wrong = "no iceServers in it"
    else:
        servers = answer["iceServers"]
        servers = servers if isinstance(servers, list) else [servers]
        if all(isinstance(s, Mapping) and (s.get("urls") or s.get("url")) for s in servers):
            return answer
        wrong = "iceServers that have no urls"
    raise MalformedAnswer(f"{service} answered {wrong} when asked for TURN credentials")
