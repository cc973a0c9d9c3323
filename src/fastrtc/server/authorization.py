"""Authorization of requests, before any other processing.

``refusal_of_site`` refuses cross-site requests; ``refusal_of`` calls the program's ``authorize``.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeAlias, cast

from fastapi import HTTPException, Request, WebSocket
from fastapi.responses import Response
from starlette.middleware.cors import CORSMiddleware

from ..core.errors import SessionRefused, Unauthorized
from ..core.failures import contained
from ..core.identity import ClientRequest, Headers, Identity, current_identity
from ..core.log_throttle import LogThrottle
from ..core.tasks import BoundedThreads
from ..handlers.invoke import call_function
from ..transport.cross_site import CorsGrant, SitePolicy, refuse_request
from ..transport.webrtc.ice_targets import client_place, place_of_client
from .offers import BodyTooLarge
from .tokens import MISSING, PREFIX, Claims, Tokens, find_token

__all__ = [
    "Authorize",
    "claims_of",
    "client_request",
    "is_of_browser",
    "refusal_of",
    "refusal_of_client",
    "refusal_of_site",
    "served_locally",
    "serving_locally",
    "site_policy",
]

logger = logging.getLogger(__name__)

Authorize: TypeAlias = Callable[[Request | WebSocket], Any]
"""Called with the request or the WebSocket. Returns None, True or the user to accept it: any value
that is true and no string, which becomes ``Context.user``. Returns False, or a string with the
reason, to refuse it; or raises ``Unauthorized``. Sync or async."""

AUTHORIZE_TIMEOUT_S = 10.0
"""Timeout of a sync ``authorize``, including the wait for a thread, in seconds. Twilio's timeout of
a webhook is 15 s, and that of a handshake in the ``websockets`` package 10 s; a database query
takes far less."""

_NO_USERS = (Response, BaseException)
"""What a program may return instead of raising it, to refuse a request."""

TOO_SLOW = "The server took too long to decide. Try again."

_threads = BoundedThreads("fastrtc-authorize")

served_locally: ContextVar[bool] = ContextVar("fastrtc_served_locally", default=False)
"""Whether streams created in this context are served by this package on a loopback address."""

_failures = LogThrottle()
_other_sites = LogThrottle()


@contextmanager
def serving_locally() -> Iterator[None]:
    """Make streams created within the block refuse host names other than this machine's."""
    token = served_locally.set(True)
    try:
        yield
    finally:
        served_locally.reset(token)


def site_policy(
    allowed_origins: Collection[str] | str | None,
    allowed_hosts: Collection[str] | str | None,
    *,
    local: bool = False,
) -> SitePolicy:
    """Create the site policy of an endpoint from the program's options.

    Args:
        allowed_origins: See ``Stream``.
        allowed_hosts: See ``Stream``.
        local: Whether this package serves the endpoint on a loopback address.
    """
    return SitePolicy(
        [allowed_origins] if isinstance(allowed_origins, str) else allowed_origins,
        [allowed_hosts] if isinstance(allowed_hosts, str) else allowed_hosts,
        local=local,
        machine=_names_of_machine() if local else (),
    )


@functools.cache
def _names_of_machine() -> frozenset[str]:
    name = socket.gethostname().lower()
    return frozenset({name, f"{name}.local"})


def is_of_browser(request: Request | WebSocket) -> bool:
    """Return whether a page in a browser sent the request (one other than ``GET``)."""
    return "origin" in request.headers or "sec-fetch-site" in request.headers


def refusal_of_site(
    policy: SitePolicy, request: Request | WebSocket | None
) -> SessionRefused | None:
    """Decide whether to refuse a request because of its origin or host name.

    Args:
        policy: The policy of the endpoint.
        request: The request; None is accepted, as Gradio before 5.50 does not provide it.

    Returns:
        The refusal, or None.
    """
    if request is None:
        return None
    origin = request.headers.get("origin")
    grant = None
    if origin is not None and policy.origins is None:
        grant = _cors_grant(request, origin)
    refused = refuse_request(request.headers, policy, grant)
    if refused is None:
        return None
    code, reason = refused
    _other_sites.log(logger.warning, "A request to %.200r is refused: %s", request.url.path, reason)
    return SessionRefused(code, reason=reason)


def _cors_grant(request: Request | WebSocket, origin: str) -> CorsGrant | None:
    """Return what the program's ``CORSMiddleware`` grants an origin, or None.

    It is looked up in the app that has the route, and in the outermost app if that is FastAPI.
    """
    outermost = getattr(request.scope.get("router"), "dependency_overrides_provider", None)
    apps: tuple[Any, ...] = (request.scope.get("app"), outermost)
    for app in apps:
        for middleware in getattr(app, "user_middleware", ()):
            kind, *positional, keywords = middleware
            if not (isinstance(kind, type) and issubclass(kind, CORSMiddleware)):
                continue
            cors = kind(app, *(positional[0] if positional else ()), **keywords)
            if cors.is_allowed_origin(origin):
                headers = {name.lower() for name in cors.allow_headers}
                return CorsGrant(
                    credentials="Access-Control-Allow-Credentials" in cors.simple_headers,
                    authorization=cors.allow_all_headers or "authorization" in headers,
                )
    return None


def claims_of(
    tokens: Tokens | None, request: Request | WebSocket | None, given: Any = None
) -> Claims | None:
    """Return the content of the token of a request; None if it has none and needs none.

    Args:
        tokens: The tokens of the stream; None if it has none.
        request: The request; None, if it is unknown, has no token.
        given: The token in the body of the request, if it has one.

    Raises:
        SessionRefused: If the token is invalid or has expired, or a required one is missing.
    """
    if tokens is None:
        return None
    token = given if isinstance(given, str) and given.startswith(PREFIX) else None
    if token is None and request is not None:
        token = find_token(request.headers, request.query_params)
    if token is None:
        if tokens.required:
            raise SessionRefused("unauthorized", reason=MISSING)
        return None
    try:
        return tokens.verify(token)
    except Unauthorized as error:
        raise SessionRefused("unauthorized", reason=error.reason) from None


async def refusal_of_client(
    policy: SitePolicy,
    tokens: Tokens | None,
    authorize: Authorize | None,
    request: Request | WebSocket | None,
    token: Any = None,
    *,
    explicit: bool = False,
) -> SessionRefused | None:
    """Decide whether to refuse a request: by its origin, then its token, then ``authorize``.

    Args:
        policy: The policy of the endpoint.
        tokens: The tokens of the stream; None if it has none.
        authorize: The program's function; None accepts every request.
        request: The request; None if it is unknown.
        token: The token in the body of the request, if it has one.
        explicit: See ``refusal_of``.

    Returns:
        The refusal, or None.

    Raises:
        BodyTooLarge: If ``authorize`` reads a body that is too large.
    """
    refusal = refusal_of_site(policy, request)
    if refusal is not None:
        return refusal
    try:
        claims = claims_of(tokens, request, token)
    except SessionRefused as refused:
        return refused
    return await refusal_of(authorize, request, claims=claims, explicit=explicit)


async def refusal_of(
    authorize: Authorize | None,
    request: Request | WebSocket | None,
    *,
    claims: Claims | None = None,
    explicit: bool = False,
) -> SessionRefused | None:
    """Decide whether to refuse a request by calling ``authorize``.

    An async function is awaited in the context of the caller: the handler's ``copy()`` sees the
    ``ContextVar`` values that it sets. A sync function runs in a thread, with a timeout of 10 s.
    The identity of an accepted request is set in the context of the caller.

    Args:
        authorize: The program's function; None accepts every request.
        request: The request; None, if it is unknown, is refused.
        claims: The content of the token of the request.
        explicit: Whether ``authorize`` has to return True or a user: None, with which it only does
            not object to the client, refuses the request.

    Returns:
        The refusal, or None.

    Raises:
        BodyTooLarge: If ``authorize`` reads a body that is too large.
    """
    if request is not None:
        client = getattr(request, "client", None)
        headers = getattr(request, "headers", {})
        client_place.set(place_of_client(client and client.host, headers))
    identity = Identity(client_request(request))
    if claims is not None:
        identity = replace(identity, user=claims.user, metadata=claims.metadata, token=claims.use)
    current_identity.set(identity)
    if authorize is None:
        return None
    try:
        if request is None:
            raise RuntimeError(
                "there is no request for authorize: Gradio 5.50 or later provides it"
            )
        verdict = await contained("authorize", _decide(authorize, request))
    except Unauthorized as refused:
        verdict = refused.reason or False
    except BodyTooLarge:
        raise
    except HTTPException as refused:  # as raised by the security utilities of FastAPI
        verdict = str(refused.detail)
    except Exception as error:
        _failures.log(logger.error, "authorize failed, the request is refused", exc_info=error)
        verdict = False
    if verdict is None and explicit:
        verdict = False
    if verdict is None or verdict is True:
        return None
    if not isinstance(verdict, bool | str):
        current_identity.set(replace(identity, user=verdict))
        return None
    reason = {"reason": verdict} if isinstance(verdict, str) and verdict else {}
    return SessionRefused("unauthorized", **reason)


async def _decide(authorize: Authorize, request: Request | WebSocket) -> Any:
    verdict = await call_function(authorize, request, run=_run_in_time)
    if verdict is None or isinstance(verdict, bool | str):
        return verdict
    if isinstance(verdict, _NO_USERS) or isinstance(verdict, type) or not verdict:
        raise TypeError(
            "authorize must return None, True or the user, or False or a string to refuse the "
            f"request, not {verdict!r:.100}"
        )
    return verdict


def client_request(request: Request | WebSocket | None) -> ClientRequest | None:
    """Return what handlers may know about a request; None if it is unknown."""
    if request is None:
        return None
    client = getattr(request, "client", None)
    return ClientRequest(
        Headers(_part_of(request, "headers").items()),
        _part_of(request, "cookies"),
        _part_of(request, "query_params"),
        client.host if client else None,
    )


def _part_of(request: Request | WebSocket, name: str) -> Mapping[str, str]:
    try:
        return cast(Mapping[str, str], getattr(request, name))
    except Exception as error:  # malformed, or incomplete, as in the tests of a program
        logger.debug("The %s of a request cannot be read: %s", name, error)
        return {}


async def _run_in_time(call: Callable[[], Any]) -> Any:
    """Run a sync ``authorize`` in a thread, and refuse the request if it takes too long."""
    try:
        return await asyncio.wait_for(_threads.run(call), AUTHORIZE_TIMEOUT_S)
    except asyncio.TimeoutError as error:
        if error.args:  # raised by the function itself
            raise
        _failures.log(
            logger.error,
            "authorize did not finish within %.0f s: the request is refused",
            AUTHORIZE_TIMEOUT_S,
        )
        raise Unauthorized(TOO_SLOW) from error
