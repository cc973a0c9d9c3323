"""What Twilio is told to do with a call: TwiML, by the ``twilio`` package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import FastRTCError

__all__ = ["INSTALL", "PhoneExtraMissing", "connect_call", "end_call", "require_twilio"]

INSTALL = 'pip install "fastrtc[phone]"'
"""What brings the ``twilio`` package."""

GREETING = "Connecting you to the assistant."
FAREWELL = "The call has ended. Goodbye."


class PhoneExtraMissing(FastRTCError, ImportError):
    """The ``twilio`` package is not installed."""


def require_twilio() -> None:
    """See whether the ``twilio`` package is there.

    Raises:
        PhoneExtraMissing: If not, telling how to install it.
    """
    try:
        import twilio.twiml.voice_response  # noqa: F401
    except ImportError as error:
        raise PhoneExtraMissing(
            f"Telephone calls through Twilio need the twilio package: {INSTALL}"
        ) from (None if error.name in ("twilio", "twilio.twiml") else error)


def connect_call(url: str, parameters: Mapping[str, str]) -> str:
    """Write that a call is to be connected with a WebSocket.

    Args:
        url: Of the WebSocket; Twilio takes ``wss`` only, and no query.
        parameters: What its ``start`` message is to say as ``customParameters``.

    Raises:
        PhoneExtraMissing: If the ``twilio`` package is not installed.
    """
    response = _response()
    from twilio.twiml.voice_response import Connect

    response.say(GREETING)
    connect = Connect()
    stream = connect.stream(url=url)
    for name, value in parameters.items():
        stream.parameter(name=name, value=value)
    response.append(connect)
    response.say(FAREWELL)
    return str(response)


def end_call(reason: str) -> str:
    """Write that the caller is to hear a reason, and the call is to end.

    Raises:
        PhoneExtraMissing: If the ``twilio`` package is not installed.
    """
    response = _response()
    response.say(reason)
    response.hangup()
    return str(response)


def _response() -> Any:
    require_twilio()
    from twilio.twiml.voice_response import VoiceResponse

    return VoiceResponse()
