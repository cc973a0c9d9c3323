"""TURN credentials shared by connections."""

from __future__ import annotations

import copy
import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from .choice import Method, get_turn_credentials

__all__ = ["CachedTurnCredentials"]

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 30.0
"""How long to wait after a service failed to renew credentials that are still valid, in seconds."""

FAILED_FOR_S = 3.0
"""How long to wait after a service failed while there are no valid credentials, in seconds.
Otherwise new connections would wait for its timeout one after the other."""


class CachedTurnCredentials:
    """Request TURN credentials once for many connections.

    The functions request new credentials at each call: they are valid for the whole ``ttl``, and
    each client has its own. Where that is not needed, as for the server itself, this class saves
    each connection the response time of the service:

        Stream(
            ...,
            rtc_configuration=get_turn_credentials_async,
            server_rtc_configuration=CachedTurnCredentials(ttl=24 * 3600),
        )

    Credentials are renewed after half of their ``ttl``, so each connection gets credentials that
    are valid for at least the other half. If the renewal fails, the old ones are used while they
    are valid, and the reason is logged. If there are no valid ones, the error is raised for all
    waiting connections, and for those of the next 3 s.

    It is thread-safe: one thread requests the credentials, the others wait for it.

    Args:
        method: The service, as for ``get_turn_credentials``.
        ttl: How long the credentials are valid, in seconds.
        clock: Returns the current time, in seconds.
        **kwargs: Further arguments of the service's function.
    """

    def __init__(
        self,
        method: Method = "cloudflare",
        *,
        ttl: int = 3600,
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        if ttl <= 0:
            raise ValueError(f"ttl must be positive, not {ttl!r}")
        self._ask = functools.partial(get_turn_credentials, method, ttl=ttl, **kwargs)
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._credentials: dict[str, Any] | None = None
        self._renew_at = self._valid_until = 0.0
        self._error: Exception | None = None
        self._failed_until = 0.0

    def __call__(self) -> dict[str, Any]:
        """Return the credentials, requesting them if needed.

        Raises:
            Exception: Any exception of the service's function, if there are no valid credentials.
        """
        called_at = self._clock()
        with self._lock:
            if self._error is not None and called_at < self._failed_until:
                raise self._error.with_traceback(None)  # it would grow each time
            requested_at = self._clock()
            if self._credentials is None or requested_at >= self._renew_at:
                self._renew(requested_at)
            return copy.deepcopy(self._credentials or {})

    def _renew(self, requested_at: float) -> None:
        self._error = None
        try:
            self._credentials = self._ask()
        except Exception as error:
            if self._credentials is None or requested_at >= self._valid_until:
                self._credentials = None
                self._error, self._failed_until = error, self._clock() + FAILED_FOR_S
                raise
            left = self._valid_until - requested_at
            self._renew_at = requested_at + min(RETRY_AFTER_S, left)
            logger.warning(
                "The TURN credentials, valid for another %.0f s, were not renewed: %s",
                left,
                error,
            )
        else:
            self._renew_at = requested_at + self._ttl / 2
            self._valid_until = requested_at + self._ttl
