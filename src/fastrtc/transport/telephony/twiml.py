"""TwiML, Twilio's instructions for a call, built with the ``twilio`` package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import FastRTCError

__all__ = ["INSTALL", "PhoneExtraMissing", "connect_call", "end_call", "require_twilio"]

INSTALL = 'pip install "fastrtc[phone]"'
"""The command that installs the ``twilio`` package."""

GREETING = "Connecting you to the assistant."
FAREWELL = "The call has ended. Goodbye."


class PhoneExtraMissing(FastRTCError, ImportError):
    """The ``twilio`` package is not installed."""


def require_twilio() -> None:
    """Check that the ``twilio`` package is installed.

    Raises:
        PhoneExtraMissing: If it is not; the message says how to install it.
    """
    try:
        import twilio.twiml.voice_response  # noqa: F401
    except ImportError as error:
        raise PhoneExtraMissing(
            f"Telephone calls through Twilio require the twilio package: {INSTALL}"
        ) from (None if error.name in ("twilio", "twilio.twiml") else error)


def connect_call(url: str, parameters: Mapping[str, str]) -> str:
    """Return the TwiML that connects a call to a WebSocket.

    Args:
        url: The URL of the WebSocket; Twilio requires ``wss`` and no query.
        parameters: The ``customParameters`` of its ``start`` message.

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
    """Return the TwiML that reads a reason to the caller and ends the call.

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
