"""The deployment of an app on Ray Serve, and its autoscaling policy."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.errors import FastRTCError
from .replica import MISSED_CHECKS, Replica

if TYPE_CHECKING:
    from ray.serve import Deployment

__all__ = ["RayExtraMissing", "deployment", "scale_by_sessions"]

IMPORT = re.compile(r"[\w.]+:[\w.]+")
"""A module and the name of an app in it."""

HEALTH_CHECK_S = 2.0
"""Default interval of Ray Serve's health checks, in seconds."""

CLOSING_S = 15.0
"""Time for closing the connections that remain after the drain, in seconds."""

MAX_ONGOING_REQUESTS = 1000
"""Default of ``max_ongoing_requests``. Each WebSocket call and each reader of outputs is one, and
Ray Serve's own default is 5."""

AUTOSCALING = {
    "metrics_interval_s": 2.0,
    "look_back_period_s": 10.0,
    "upscale_delay_s": 5.0,
    "downscale_delay_s": 60.0,
}
"""Defaults of ``autoscaling_config``."""


class RayExtraMissing(FastRTCError, ImportError):
    """Ray Serve is not installed."""


def deployment(
    app: Callable[..., Any] | str,
    *,
    name: str = "fastrtc",
    target_sessions: float = 10,
    min_replicas: int = 1,
    max_replicas: int = 1,
    drain_limit: float = 300,
    **options: Any,
) -> Deployment:
    """Return a Ray Serve deployment of an app with streams.

    The number of replicas follows the number of connections instead of the number of requests. The
    replicas form a cluster, with a directory in an actor of Ray: any replica accepts any request of
    a connection. A replica that Ray stops gets no new connections, and stops when the existing ones
    have ended.

    Args:
        app: A function that returns a FastAPI app on which streams are mounted, sync or async; it
            is called in each replica, with the arguments of ``bind``, such as the handles of other
            deployments. Or the import string of an app, such as ``"voice:app"``, of a module that
            the replicas can import. An app itself cannot be sent to the replicas.
        name: The name of the deployment.
        target_sessions: Number of connections per replica that the autoscaler aims at. It should be
            below the ``concurrency_limit`` of the streams.
        min_replicas: Minimum number of replicas.
        max_replicas: Maximum number of replicas.
        drain_limit: How long connections may continue after Ray starts to stop the replica, in
            seconds. It replaces the ``drain_limit`` of the streams.
        **options: Further arguments of ``ray.serve.deployment``, such as ``ray_actor_options``. An
            ``autoscaling_config`` overrides single values.

    Returns:
        The deployment: ``serve.run(deployment(build).bind())`` runs it.

    Raises:
        RayExtraMissing: If Ray Serve is not installed.
        ValueError: If an argument is invalid; the message names it.
    """
    try:
        from ray import serve
    except ImportError as error:
        raise RayExtraMissing('Ray Serve is not installed: pip install "fastrtc[ray]"') from error

    if not target_sessions > 0:
        raise ValueError(f"target_sessions must be positive, not {target_sessions!r}")
    if not 1 <= min_replicas <= max_replicas:
        raise ValueError(
            "min_replicas must be at least 1 and at most max_replicas, "
            f"not {min_replicas!r} with max_replicas={max_replicas!r}"
        )
    if not drain_limit >= 0:
        raise ValueError(f"drain_limit must not be negative, not {drain_limit!r}")
    if not (inspect.isroutine(app) or isinstance(app, str) and IMPORT.fullmatch(app)):
        raise ValueError(
            "app must be a function that returns the app, or its import string, such as "
            f"'voice:app', not {app!r}"
        )
    period = options.setdefault("health_check_period_s", HEALTH_CHECK_S)
    options.setdefault("max_ongoing_requests", MAX_ONGOING_REQUESTS)
    options.setdefault(
        "graceful_shutdown_timeout_s", drain_limit + (MISSED_CHECKS + 1) * period + CLOSING_S
    )
    options["autoscaling_config"] = {
        **AUTOSCALING,
        "min_replicas": min_replicas,
        "max_replicas": max_replicas,
        "target_ongoing_requests": target_sessions,
        "policy": {"policy_function": scale_by_sessions},
        **options.get("autoscaling_config", {}),
    }
    ingress: Any = serve.ingress()(Replica)

    class StreamReplica(ingress):  # type: ignore[misc]
        """A replica with this app."""

        source = (app,)
        limit = drain_limit
        period_s = period

        async def __del__(self) -> None:
            await self.drain()
            await super().__del__()

    made: Deployment = serve.deployment(StreamReplica, name=name, **options)
    return made


def scale_by_sessions(context: Any) -> tuple[float, dict[str, Any]]:
    """Return the desired number of replicas; the autoscaling policy of Ray Serve.

    Ray pickles it with its code, so its controller may run where fastrtc is not installed.

    Args:
        context: An ``AutoscalingContext``. It has the number of connections by replica, of those
            that have reported it.
    """
    sessions = (context.aggregated_metrics or {}).get("sessions")
    if not sessions:
        return context.target_num_replicas, {}
    target = context.config.target_ongoing_requests
    return max(1, math.ceil(sum(sessions.values()) / target)), {}
