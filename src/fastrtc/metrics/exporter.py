"""The figures of streams, as an app that Prometheus reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.callbacks import check_callback
from ..server.attachment import endpoint_of
from ..server.authorization import Authorize, refusal_of
from ..webrtc_connection_mixin import WebRTCConnectionMixin
from .errors import MetricsExtraMissing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["MetricsApp", "prometheus"]

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of ``prometheus_client`` for several processes: the folder of their values."""


def prometheus(
    stream: WebRTCConnectionMixin,
    *,
    registry: CollectorRegistry | None = None,
    authorize: Authorize | None = None,
) -> MetricsApp:
    """Measure a stream, and return an app that Prometheus reads.

    ``app.routes.append(Route("/metrics", prometheus(stream)))``, with ``Route`` of
    ``starlette.routing``, serves it at ``/metrics``; with ``app.mount("/metrics", ...)`` it is at
    ``/metrics/``, to which ``/metrics`` is redirected.

    The values are those of all streams of the process that are measured, and of the program's own
    metrics in the registry. With several processes, set ``PROMETHEUS_MULTIPROC_DIR``. No label
    contains an id, a text or audio. The metrics and their labels are in ``docs/monitoring.md``.

    Args:
        stream: The stream; a ``WebRTC`` component of the program's own page works, too. A stream
            is measured once, however often this is called.
        registry: Where the metrics are registered; by default that of ``prometheus_client``, which
            also has figures of the process.
        authorize: Called before each request, like that of ``Stream``, which is not called: pass
            ``stream.authorize`` for the same. Refused requests get the status 403.

    Returns:
        The ASGI app.

    Raises:
        MetricsExtraMissing: If ``prometheus-client`` is not installed.
        TypeError: If *stream* is no stream, or another argument is not what it should be.
        ValueError: If ``PROMETHEUS_MULTIPROC_DIR`` is no folder, and none can be created.
    """
    try:
        from prometheus_client import REGISTRY, CollectorRegistry
    except ImportError as error:
        raise MetricsExtraMissing("prometheus-client") from error
    from .monitor import measure

    if not isinstance(stream, WebRTCConnectionMixin):
        raise TypeError(f"prometheus() measures a Stream, not {stream!r}")
    registry = REGISTRY if registry is None else registry
    if not isinstance(registry, CollectorRegistry):
        raise TypeError(f"registry must be a CollectorRegistry or None, not {registry!r}")
    if authorize is not None:
        if not callable(authorize):
            raise TypeError(
                f"authorize must be a function of the request, or None, not {authorize!r}"
            )
        check_callback("authorize", authorize, "the request")
    _create_folder()
    measure(endpoint_of(stream), registry)
    return MetricsApp(registry, authorize)


class MetricsApp:
    """An ASGI app that returns metrics in the format of Prometheus.

    Args:
        registry: The metrics.
        authorize: See ``prometheus``.
    """

    def __init__(self, registry: CollectorRegistry, authorize: Authorize | None = None) -> None:
        self._authorize = authorize
        self._app = _app_of(registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; connections other than HTTP are refused."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            response = PlainTextResponse("Method Not Allowed", 405, headers={"Allow": "GET, HEAD"})
            await response(scope, receive, send)
        elif (refusal := await refusal_of(self._authorize, Request(scope))) is not None:
            reason = str(refusal.details.get("reason", "Not allowed"))
            await PlainTextResponse(reason, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _create_folder() -> None:
    """Create the folder of several processes, which ``prometheus_client`` expects to exist."""
    folder = os.environ.get(MULTIPROCESS)
    if folder is None:
        return
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{MULTIPROCESS} must be a folder: {error}") from error


async def _live(receive: Receive, send: Send) -> None:
    """Accept the lifespan of a server that serves nothing but this app."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _app_of(registry: CollectorRegistry) -> ASGIApp:
    from prometheus_client import make_asgi_app

    folder = os.environ.get(MULTIPROCESS)
    if folder is None:
        return make_asgi_app(registry)
    from .processes import collector_of

    return make_asgi_app(collector_of(folder))
