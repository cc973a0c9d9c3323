"""Validation of the arguments of ``Stream`` and ``WebRTC``."""

from __future__ import annotations

import math
from typing import Any

from ..core.callbacks import check_callback
from ..core.ice import Ice
from ..core.limits import Limits
from ..transport.cross_site import is_origin
from ..transport.webrtc.configuration import to_aiortc_configuration

__all__ = [
    "check_authorize",
    "check_components",
    "check_dicts",
    "check_drain_limit",
    "check_hosts",
    "check_ice",
    "check_limit",
    "check_limits",
    "check_origins",
    "check_rtc_configuration",
    "check_server_rtc_configuration",
    "check_time_limit",
    "check_total_limit",
    "check_voice",
]


def check_limit(limit: Any) -> int:
    """Return a connection limit as an integer; None and ``"default"`` mean 1.

    Raises:
        ValueError: If it is invalid.
    """
    if limit is None or limit == "default":
        return 1
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise ValueError(
            f"concurrency_limit must be a positive integer, None or 'default', not {limit!r}"
        )
    return limit


def check_total_limit(limit: Any) -> int | None:
    """Return the limit of connections of all processes, or None.

    Raises:
        ValueError: If it is invalid.
    """
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise ValueError(f"total_limit must be a positive integer or None, not {limit!r}")
    return limit


def check_time_limit(limit: Any) -> float | None:
    """Return a time limit in seconds, or None.

    Raises:
        ValueError: If it is invalid.
    """
    if limit is not None and (
        not isinstance(limit, int | float) or isinstance(limit, bool) or not limit > 0
    ):
        raise ValueError(f"time_limit must be a positive number of seconds or None, not {limit!r}")
    return limit


def check_drain_limit(limit: Any) -> float:
    """Return how long connections may continue after the server is told to stop, in seconds.

    Raises:
        ValueError: If it is invalid.
    """
    if not isinstance(limit, int | float) or isinstance(limit, bool) or not 0 <= limit < math.inf:
        raise ValueError(f"drain_limit must be a non-negative number of seconds, not {limit!r}")
    return limit


def check_authorize(authorize: Any) -> Any:
    """Return the authorization function, or None.

    Raises:
        TypeError: If it has other parameters.
        ValueError: If it is not callable.
    """
    if authorize is None:
        return None
    if not callable(authorize):
        raise ValueError(f"authorize must be a function of the request, or None, not {authorize!r}")
    check_callback("authorize", authorize, "the request")
    return authorize


def check_ice(ice: Any) -> Ice:
    """Return the options of ICE; None means the defaults.

    Raises:
        ValueError: If they are of another class.
    """
    if ice is not None and not isinstance(ice, Ice):
        raise ValueError(f"ice must be a fastrtc.Ice or None, not {type(ice).__name__}")
    return ice or Ice()


def check_limits(limits: Any) -> Limits:
    """Return the resource limits; None means the defaults.

    Raises:
        ValueError: If the argument is of another type.
    """
    if limits is None:
        return Limits()
    if not isinstance(limits, Limits):
        raise ValueError(f"limits must be a fastrtc.Limits or None, not {type(limits).__name__}")
    return limits


def check_origins(origins: Any) -> tuple[str, ...] | None:
    """Return the allowed origins as a tuple, or None.

    Raises:
        ValueError: If they are neither a collection of origins nor ``"*"``.
    """
    names = _names("allowed_origins", origins)
    for origin in names or ():
        if not is_origin(origin):
            raise ValueError(
                "allowed_origins must be '*' or origins such as 'https://app.example.org', "
                f"not {origin!r}"
            )
    return names


def check_hosts(hosts: Any) -> tuple[str, ...] | None:
    """Return the allowed host names as a tuple, or None.

    Raises:
        ValueError: If they are neither a collection of host names nor ``"*"``.
    """
    names = _names("allowed_hosts", hosts)
    for host in names or ():
        if not host or "/" in host or "*" in host.removeprefix("*.") and host != "*":
            raise ValueError(
                "allowed_hosts must be '*' or host names such as 'voice.example.org' or "
                f"'*.example.org', not {host!r}"
            )
    return names


def _names(name: str, given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    if given == "*":
        return ("*",)
    if isinstance(given, str) or not isinstance(given, list | tuple | set | frozenset):
        raise ValueError(f"{name} must be a list of strings, '*' or None, not {given!r}")
    if not all(isinstance(one, str) for one in given):
        raise ValueError(f"{name} must be a list of strings, '*' or None, not {given!r}")
    return tuple(given)


def check_dicts(**arguments: Any) -> None:
    """Check that each argument is a dict or None.

    Raises:
        ValueError: If one is not; the message names it.
    """
    for name, value in arguments.items():
        if value is not None and not isinstance(value, dict):
            raise ValueError(f"{name} must be a dict or None, not {type(value).__name__}")


def check_components(**arguments: Any) -> None:
    """Check that each argument is a list of Gradio components, or None.

    Raises:
        ValueError: If one is not; the message names it.
    """
    for name, value in arguments.items():
        if value is None:
            continue
        if not isinstance(value, list | tuple):
            raise ValueError(f"{name} must be a list of components, not {type(value).__name__}")
        for one in value:
            if not hasattr(one, "_id") or not hasattr(one, "render"):
                raise ValueError(f"{name} must be a list of components: {one!r} is not one")


def check_rtc_configuration(configuration: Any) -> Any:
    """Return the RTC configuration of clients unchanged: a dict, a function or None.

    Raises:
        ValueError: If it is invalid.
    """
    _to_aiortc("rtc_configuration", configuration)
    return configuration


def check_server_rtc_configuration(configuration: Any) -> Any:
    """Return the RTC configuration of the server in aiortc's format; a function, or None, as it is.

    Raises:
        ValueError: If it is invalid.
    """
    return _to_aiortc("server_rtc_configuration", configuration)


def _to_aiortc(name: str, configuration: Any) -> Any:
    if configuration is None or callable(configuration):
        return configuration
    try:
        return to_aiortc_configuration(configuration)
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(
            f"{name} must be a dict as for RTCPeerConnection, a function that returns one, "
            f"or None: {error}"
        ) from error


def check_voice(voice: Any) -> Any:
    """Return a text-to-speech model, or None.

    Raises:
        ValueError: If it is something else.
    """
    methods = ("stream_tts", "stream_tts_sync")
    if voice is not None and not all(callable(getattr(voice, name, None)) for name in methods):
        raise ValueError(
            f'voice must be a text-to-speech model, such as get_tts_model("kokoro"), not {voice!r}'
        )
    return voice
