"""Errors of requests for TURN credentials.

::

    FastRTCError
      CredentialsError
        CredentialsMissing (ValueError)               no token or key
        PackageMissing (ImportError)                  the service's package is not installed
        ServiceRefused                                the service responded with an error
        ServiceUnreachable (httpx.TransportError)     no response, or none in time
        MalformedAnswer (ValueError)                  a response without ICE servers
"""

from __future__ import annotations

import httpx

from ..core.errors import FastRTCError

__all__ = [
    "CredentialsError",
    "CredentialsMissing",
    "MalformedAnswer",
    "PackageMissing",
    "ServiceRefused",
    "ServiceUnreachable",
]


class CredentialsError(FastRTCError):
    """TURN credentials could not be obtained."""


class CredentialsMissing(CredentialsError, ValueError):
    """Neither an argument nor an environment variable has the token or key for the service."""


class PackageMissing(CredentialsError, ImportError):
    """The package that the service needs is not installed."""


class ServiceRefused(CredentialsError):
    """The service responded with an error.

    Attributes:
        status: The HTTP status of the response.
        answer: The body of the response.
    """

    def __init__(self, message: str, status: int, answer: str) -> None:
        super().__init__(message)
        self.status = status
        self.answer = answer


class ServiceUnreachable(CredentialsError, httpx.TransportError):
    """The service cannot be reached, or did not respond in time."""


class MalformedAnswer(CredentialsError, ValueError):
    """The service responded, but without ICE servers."""
