"""A replica of a deployment on Ray Serve: its load, and when it drains."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import os
import time
from typing import TYPE_CHECKING, Any

from uvicorn.importer import import_from_string

from ..server.cluster.node import nodes_of_running_loop

if TYPE_CHECKING:
    from ..server.endpoint import Endpoint

__all__ = ["MISSED_CHECKS", "Replica"]

logger = logging.getLogger(__name__)

CLUSTER = "FASTRTC_CLUSTER"
"""The environment variable with the cluster of all streams without the option ``cluster``."""

MISSED_CHECKS = 3
"""Number of missed health checks after which a replica asks whether it is being stopped."""


class Replica:
    """A process of a deployment: a node of the cluster that reports its connections to Ray Serve.

    Ray Serve calls ``check_health`` periodically until it stops the replica. Then it waits until
    all requests have ended, which includes the calls over WebSockets, before it calls ``__del__``.
    So the replica starts to drain when the health checks stay away and its deployment has replicas
    that are being stopped; and no longer drains if another health check arrives.

    Args:
        *args: The arguments for the function that returns the app.

    Attributes:
        source: The function that returns the app, or its import string, in a tuple.
        limit: How long connections may continue while it drains, in seconds.
        period_s: Interval of the health checks, in seconds.
    """

    source: tuple[Any]
    limit: float
    period_s: float

    def __init__(self, *args: Any) -> None:
        from ray import serve

        context = serve.get_replica_context()
        self._application, self._name = context.app_name, context.deployment
        os.environ.setdefault(CLUSTER, f"ray:{self._application}/{self._name}")
        self._args = args
        self._checked_at = math.inf
        self._watching: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None

    async def __serve_build_asgi_app__(self) -> Any:
        """Return the app; Ray Serve calls this."""
        (source,) = self.source
        app = import_from_string(source) if isinstance(source, str) else source(*self._args)
        if inspect.isawaitable(app):
            app = await app
        self._watching = asyncio.create_task(self._watch(), name="fastrtc-ray:watch")
        return app

    async def check_health(self) -> None:
        """Record a health check of Ray Serve."""
        self._checked_at = time.monotonic()
        draining, self._draining = self._draining, None
        if draining is not None:  # the controller was only late
            draining.cancel()
            for endpoint in _endpoints():
                endpoint.places.stopping = False
            _announce()

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Return the load, for the autoscaler of Ray Serve."""
        return {"sessions": float(sum(node.record.sessions for node in nodes_of_running_loop()))}

    async def drain(self) -> None:
        """Wait until all connections have ended, and close those that remain after the limit."""
        if self._watching is not None:
            self._watching.cancel()
        if self._draining is None:
            self._draining = self._start_draining()
        await asyncio.wait([self._draining])

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.period_s)
            late = time.monotonic() - self._checked_at > MISSED_CHECKS * self.period_s
            if late and self._draining is None and await asyncio.to_thread(self._is_stopping):
                self._draining = self._start_draining()

    def _is_stopping(self) -> bool:
        """Return whether a replica of the deployment is being stopped, as far as Ray Serve says."""
        from ray import serve

        try:
            application = serve.status().applications.get(self._application)
        except Exception as error:  # the controller is being restarted
            logger.debug("The state of the deployment is unknown: %s", error)
            return False
        if application is None or self._name not in application.deployments:
            return True
        return bool(application.deployments[self._name].replica_states.get("STOPPING"))

    def _start_draining(self) -> asyncio.Task[None]:
        return asyncio.create_task(_drain(self.limit), name="fastrtc-ray:drain")


def _endpoints() -> list[Endpoint]:
    """Return the endpoints of the streams that the running loop serves, and of their pages."""
    return [each for node in nodes_of_running_loop() for each in node.endpoints]


def _announce() -> None:
    for node in nodes_of_running_loop():
        node.announce()


async def _drain(limit: float) -> None:
    endpoints = _endpoints()
    draining = [asyncio.create_task(each.places.drain(limit)) for each in endpoints]
    await asyncio.sleep(0)
    _announce()
    await asyncio.gather(*draining)
    await asyncio.gather(*(each.owner.close_sessions() for each in endpoints))
