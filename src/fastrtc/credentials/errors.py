"""What can go wrong when TURN credentials are asked for.

::

    FastRTCError
      CredentialsError
        CredentialsMissing (ValueError)               nothing to identify oneself with
        PackageMissing (ImportError)                  the service's package is not installed
        ServiceRefused                                the service answered that it will not
        ServiceUnreachable (httpx.TransportError)     it did not answer, or not in time
        MalformedAnswer (ValueError)                  it answered something else
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
    """There are no TURN credentials to be had."""


class CredentialsMissing(CredentialsError, ValueError):
    """Neither an argument nor an environment variable has what the service wants to see."""


class PackageMissing(CredentialsError, ImportError):
    """The package that talks to the service is not installed."""


class ServiceRefused(CredentialsError):
    """The service answered with an error.

    Attributes:
        status: The HTTP status of its answer.
        answer: The text of its answer.
    """

    def __init__(self, message: str, status: int, answer: str) -> None:
        super().__init__(message)
        self.status = status
        self.answer = answer


class ServiceUnreachable(CredentialsError, httpx.TransportError):
    """The service cannot be reached, or did not answer in time."""


class MalformedAnswer(CredentialsError, ValueError):
    """The service answered, but with no ICE servers."""
