"""RTC configurations: ICE servers and the ICE transport policy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiortc import RTCConfiguration, RTCIceServer
from aiortc.rtcicetransport import parse_stun_turn_uri

from ...core.tasks import BoundedThreads
from ...handlers.invoke import call_function

__all__ = ["is_relay_only", "resolve_configuration", "to_aiortc_configuration"]

GIVEN_TIMEOUT_S = 30.0
"""How long a function may take to return a configuration: as long as a client may take to connect.
The connection occupies its place meanwhile. This includes waiting for a thread."""

_threads = BoundedThreads("fastrtc-rtc-configuration")


async def resolve_configuration(configuration: Any) -> dict[str, Any] | None:
    """Return a configuration; call it first if it is a function.

    Args:
        configuration: A dict, None, or a callable that returns one: a function, a partial or a
            callable object, sync or async. A sync one runs in a thread, as it may request
            credentials from a server.

    Returns:
        A copy, in which ``iceServers`` is a list even if it was a single server, as some
        services return it: browsers accept only lists.

    Raises:
        TypeError: If it is, or returns, anything else.
        TimeoutError: If a function has not returned after 30 s.
    """
    if callable(configuration):
        try:
            call = call_function(configuration, run=_threads.run)
            configuration = await asyncio.wait_for(call, GIVEN_TIMEOUT_S)
        except asyncio.TimeoutError as error:
            if error.args:  # raised by the function itself
                raise
            raise TimeoutError(
                "The function that returns the rtc configuration did not finish within "
                f"{GIVEN_TIMEOUT_S:.0f} s"
            ) from error
    if configuration is None:
        return None
    if isinstance(configuration, Mapping):
        servers = configuration.get("iceServers")
        listed = {"iceServers": [servers]} if isinstance(servers, Mapping) else {}
        return {**configuration, **listed}
    raise TypeError(
        "rtc_configuration must be a dict, None, or a function that returns one, "
        f"not {type(configuration).__name__}"
    )


def to_aiortc_configuration(configuration: Any) -> RTCConfiguration:
    """Convert a configuration in the format of browsers.

    Args:
        configuration: A dict with ``iceServers``, a list (or a single one) of ``{"urls",
            "username", "credential"}``, and ``iceTransportPolicy``, ``"all"`` or
            ``"relay"``. Without ``iceServers``, Google's STUN server is used. None is the same
            as an empty dict; an ``RTCConfiguration`` of aiortc is returned unchanged.

    Raises:
        ValueError: If a field is malformed; the message names it.
    """
    if isinstance(configuration, RTCConfiguration):
        return configuration
    if configuration is None:
        configuration = {}
    if not isinstance(configuration, Mapping):
        raise ValueError(
            f"An rtc configuration must be a dict or None, not {type(configuration).__name__}"
        )
    policy = configuration.get("iceTransportPolicy") or "all"
    if policy not in ("all", "relay"):
        raise ValueError(f"iceTransportPolicy must be 'all' or 'relay', not {policy!r}")
    servers = configuration.get("iceServers")
    if servers is None:
        return _make_configuration(None, policy)
    if isinstance(servers, Mapping):
        servers = [servers]
    if not isinstance(servers, list | tuple):
        raise ValueError(f"iceServers must be a list, not {type(servers).__name__}")
    return _make_configuration([_server(server) for server in servers], policy)


def is_relay_only(configuration: RTCConfiguration) -> bool:
    """Return whether only candidates of TURN servers are used."""
    policy = getattr(configuration, "iceTransportPolicy", None)  # from aiortc 1.16 on
    return policy is not None and policy.value == "relay"


def _server(server: Any) -> RTCIceServer:
    if isinstance(server, RTCIceServer):
        return server
    urls = server.get("urls", server.get("url")) if isinstance(server, Mapping) else None
    if not urls or not isinstance(urls, str | list | tuple):
        # the type and not the value, which may contain a password
        shown = "one has none" if isinstance(server, Mapping) else f"not {type(server).__name__}"
        raise ValueError(f"Each of iceServers must be a dict with urls: {shown}")
    for name in ("username", "credential"):
        if not isinstance(server.get(name), str | None):
            raise ValueError(f"The {name} of an ICE server must be a string")
    for url in [urls] if isinstance(urls, str) else urls:
        try:
            parse_stun_turn_uri(url)
        except (ValueError, AttributeError, TypeError) as error:
            raise ValueError(f"This is not a STUN or TURN URL: {url!r}") from error
    return RTCIceServer(
        urls=urls if isinstance(urls, str) else list(urls),
        username=server.get("username"),
        credential=server.get("credential"),
    )


def _make_configuration(ice_servers: list[RTCIceServer] | None, policy: str) -> RTCConfiguration:
    """Create the configuration of a connection.

    Args:
        ice_servers: STUN and TURN servers; None for aiortc's default, Google's STUN server.
        policy: ``"all"`` or ``"relay"``.

    Raises:
        ValueError: For ``"relay"`` with an aiortc older than 1.16, which has no
            ``RTCConfiguration.iceTransportPolicy``.
    """
    if policy == "all":
        return RTCConfiguration(iceServers=ice_servers)
    try:
        from aiortc.rtcconfiguration import RTCIceTransportPolicy
    except ImportError:
        raise ValueError(
            "server_rtc_configuration: iceTransportPolicy 'relay' needs aiortc 1.16 or newer "
            "(Python 3.11 or newer)"
        ) from None
    return RTCConfiguration(iceServers=ice_servers, iceTransportPolicy=RTCIceTransportPolicy.RELAY)
