"""Routes that tell load balancers and autoscalers how busy a process is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from .endpoint import Endpoint, endpoint_of
from .load import Load, load_of
from .routes import check_path

__all__ = ["HealthRoutes", "Load", "load_of", "reason_not_ready"]

PROBES = ["GET", "HEAD"]


def reason_not_ready(load: Load, in_cluster: bool) -> Literal["draining", "full"] | None:
    """Return why a balancer should send requests elsewhere, or None if it should not.

    Args:
        load: The load.
        in_cluster: Whether the process passes offers on when it is full. A balancer that sent none
            to full processes would refuse all requests, also of running connections, once all are
            full.
    """
    if load.draining:
        return "draining"
    return "full" if load.places == 0 and not in_cluster else None


class HealthRoutes:
    """The part of ``Stream`` for load balancers and autoscalers."""

    def mount_health(self, app: FastAPI, path: str = "") -> None:
        """Add routes for load balancers and autoscalers to a FastAPI app.

        ``GET {path}/readyz`` answers with status 200 if the stream accepts new connections, and
        with 503 and ``{"reason": "draining"}`` or ``{"reason": "full"}`` if not. In a cluster, a
        full process is ready, as it passes offers on to others.

        ``GET {path}/load`` answers with ``{"sessions": 3, "places": 17, "draining": false}``: the
        number of connections, including those of the stream's page; how many more the stream
        accepts, or null without a limit; and whether the server is stopping.

        ``authorize`` is not called, as balancers send no credentials. See ``docs/scaling.md``.

        Args:
            app: The app.
            path: Prefix of the routes, such as ``"/assistant"``.

        Raises:
            ValueError: If ``path`` is malformed.
        """
        check_path(path)
        endpoint: Endpoint = endpoint_of(self)

        async def readyz() -> JSONResponse:
            reason = reason_not_ready(load_of(endpoint), endpoint.cluster is not None)
            if reason is None:
                return JSONResponse({"ready": True})
            return JSONResponse({"ready": False, "reason": reason}, 503)

        async def load() -> JSONResponse:
            return JSONResponse(asdict(load_of(endpoint)), headers={"Cache-Control": "no-store"})

        for name, route in (("readyz", readyz), ("load", load)):
            app.router.add_api_route(
                f"{path}/{name}", route, methods=PROBES, include_in_schema=False
            )
