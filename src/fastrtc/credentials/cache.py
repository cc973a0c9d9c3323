"""TURN credentials that connections share."""

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
"""How long a service is left alone that gave no new credentials while the old ones are good."""

FAILED_FOR_S = 3.0
"""How long it is left alone that gave none while there are no good ones: connections that begin
in this time would wait for its time-out one after the other."""


class CachedTurnCredentials:
    """Asks for TURN credentials once for many connections.

    The functions give new credentials at each call: a client has them for their whole ``ttl``,
    and no other client has the same. Where that is not needed, as for the server itself, this
    saves each connection the time that the service takes to answer:

        Stream(
            ...,
            rtc_configuration=get_turn_credentials_async,
            server_rtc_configuration=CachedTurnCredentials(ttl=24 * 3600),
        )

    Credentials are renewed when half their time is over, so each connection gets them for that
    half at least. If no new ones are to be had then, the old ones serve as long as they are good,
    and the log says why. If there are no good ones, the error is for all that waited, and for those
    that come in the next 3 s.

    It may be called in several threads; one of them asks, the others wait for it.

    Args:
        method: Whom to ask, as in ``get_turn_credentials``.
        ttl: How long the credentials are good for, in seconds.
        clock: What tells the time, in seconds.
        **kwargs: What else the function of that service takes.
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
        self._renew_at = self._good_until = 0.0
        self._error: Exception | None = None
        self._failed_until = 0.0

    def __call__(self) -> dict[str, Any]:
        """Give the credentials, asking for them if need be.

        Raises:
            Exception: What the function of the service raises, if there are none that are good.
        """
        came_at = self._clock()
        with self._lock:
            if self._error is not None and came_at < self._failed_until:
                raise self._error.with_traceback(None)  # it would grow with each that raises it
            asked_at = self._clock()
            if self._credentials is None or asked_at >= self._renew_at:
                self._renew(asked_at)
            return copy.deepcopy(self._credentials or {})

    def _renew(self, asked_at: float) -> None:
        self._error = None
        try:
            self._credentials = self._ask()
        except Exception as error:
            if self._credentials is None or asked_at >= self._good_until:
                self._credentials = None
                self._error, self._failed_until = error, self._clock() + FAILED_FOR_S
                raise
            left = self._good_until - asked_at
            self._renew_at = asked_at + min(RETRY_AFTER_S, left)
            logger.warning("The TURN credentials at hand serve for %.0f s more: %s", left, error)
        else:
            self._renew_at = asked_at + self._ttl / 2
            self._good_until = asked_at + self._ttl
