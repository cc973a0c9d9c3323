"""Who may connect, decided for each request before anything is done for it.

Pages of other sites are refused by ``refusal_of_site``, anyone by the program's ``authorize``.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from fastapi import HTTPException, Request, WebSocket
from starlette.middleware.cors import CORSMiddleware

from ..core.errors import SessionRefused, Unauthorized
from ..core.failures import as_exception, contained
from ..core.log_throttle import LogThrottle
from ..core.tasks import BoundedThreads
from ..handlers.invoke import is_async
from ..transport.cross_site import CorsGrant, SitePolicy, refuse_request
from ..transport.webrtc.ice_targets import client_place, place_of_client

__all__ = [
    "Authorize",
    "is_of_browser",
    "refusal_of",
    "refusal_of_site",
    "served_locally",
    "serving_locally",
    "site_policy",
]

logger = logging.getLogger(__name__)

Authorize: TypeAlias = Callable[[Request | WebSocket], Any]
"""Gets the request or the WebSocket. Returns None or True to let it in; False, or a text with the
reason, to refuse it; or raises ``Unauthorized``. Sync or async."""

AUTHORIZE_TIMEOUT_S = 10.0
"""How long a sync ``authorize`` may take, with the wait for a thread, in seconds. Twilio gives a
webhook 15 s, and the ``websockets`` package a handshake 10 s; a look into a database takes far
less."""

MAX_THREADS = 40
"""Calls of sync ``authorize`` functions at a time: as many as Starlette has threads, but not
those, which serve the other routes of the program."""

TOO_SLOW = "The server took too long to decide. Try again."

_threads = BoundedThreads("fastrtc-authorize", MAX_THREADS)

served_locally: ContextVar[bool] = ContextVar("fastrtc_served_locally", default=False)
"""Whether a ``Stream`` that is made now is served on a loopback address by this package."""

_failures = LogThrottle()
_other_sites = LogThrottle()


@contextmanager
def serving_locally() -> Iterator[None]:
    """Have streams that are made within the block refuse names that are not this machine's."""
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
    """Make the policy of an endpoint of what the program says.

    Args:
        allowed_origins: See ``Stream``.
        allowed_hosts: See ``Stream``.
        local: Whether it is served on a loopback address, by this package.
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
    """Tell whether a page made a browser send a request that is no ``GET``."""
    return "origin" in request.headers or "sec-fetch-site" in request.headers


def refusal_of_site(
    policy: SitePolicy, request: Request | WebSocket | None
) -> SessionRefused | None:
    """Decide whether a request is refused for the page, or the host name, that it came by.

    Args:
        policy: What the program says.
        request: The request; one that is not known is let in, as Gradio before 5.50 shows none.

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
    """Ask the program's ``CORSMiddleware`` about an origin.

    It is looked for in the app that has the route, and in the outermost one if that is FastAPI.
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


async def refusal_of(
    authorize: Authorize | None, request: Request | WebSocket | None
) -> SessionRefused | None:
    """Ask whether a request may go on.

    An async function is awaited in the context of the caller: what it puts into a
    ``ContextVar`` is there in the ``copy()`` of the handler. A sync one runs in a thread, for
    10 s at most.

    Args:
        authorize: The program's function; without one everybody is let in.
        request: The request; None, if it is not known, is refused.

    Returns:
        The refusal, or None.
    """
    if request is not None:
        client = getattr(request, "client", None)
        headers = getattr(request, "headers", {})
        client_place.set(place_of_client(client and client.host, headers))
    if authorize is None:
        return None
    try:
        if request is None:
            raise RuntimeError("there is no request to show to authorize: is Gradio too old?")
        verdict = await contained("authorize", _ask(authorize, request))
    except Unauthorized as refused:
        verdict = refused.reason or False
    except HTTPException as refused:  # as FastAPI's own ways to log in raise it
        verdict = str(refused.detail)
    except Exception as error:
        _failures.log(logger.error, "authorize failed, the request is refused", exc_info=error)
        verdict = False
    if verdict is None or verdict is True:
        return None
    reason = {"reason": verdict} if isinstance(verdict, str) and verdict else {}
    return SessionRefused("unauthorized", **reason)


def _call(authorize: Authorize, request: Request | WebSocket) -> Any:
    try:
        return authorize(request)
    except Exception:
        raise
    except BaseException as error:
        raise as_exception("authorize", error) from error


async def _ask(authorize: Authorize, request: Request | WebSocket) -> None | bool | str:
    if is_async(authorize):
        verdict = authorize(request)
    else:
        call = _threads.run(functools.partial(_call, authorize, request))
        try:
            verdict = await asyncio.wait_for(call, AUTHORIZE_TIMEOUT_S)
        except asyncio.TimeoutError as error:
            if error.args:  # the function's own
                raise
            _failures.log(
                logger.error,
                "authorize was not done within %.0f s: the request is refused",
                AUTHORIZE_TIMEOUT_S,
            )
            return TOO_SLOW
    if inspect.isawaitable(verdict):
        verdict = await verdict
    if verdict is not None and not isinstance(verdict, bool | str):
        raise TypeError(
            f"authorize must return None, True, False or a text, not {type(verdict).__name__}"
        )
    return verdict
