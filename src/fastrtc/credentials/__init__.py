"""TURN credentials from Cloudflare, Hugging Face and Twilio, and for your own coturn server."""

from __future__ import annotations

from .cache import CachedTurnCredentials
from .choice import get_turn_credentials, get_turn_credentials_async
from .cloudflare import HF_URL as CLOUDFLARE_FASTRTC_TURN_URL
from .cloudflare import (
    get_cloudflare_turn_credentials,
    get_cloudflare_turn_credentials_async,
    get_hf_turn_credentials,
    get_hf_turn_credentials_async,
)
from .coturn import get_coturn_credentials
from .errors import (
    CredentialsError,
    CredentialsMissing,
    MalformedAnswer,
    PackageMissing,
    ServiceRefused,
    ServiceUnreachable,
)
from .twilio import get_twilio_turn_credentials, get_twilio_turn_credentials_async

__all__ = [
    "CLOUDFLARE_FASTRTC_TURN_URL",
    "CachedTurnCredentials",
    "CredentialsError",
    "CredentialsMissing",
    "MalformedAnswer",
    "PackageMissing",
    "ServiceRefused",
    "ServiceUnreachable",
    "get_cloudflare_turn_credentials",
    "get_cloudflare_turn_credentials_async",
    "get_coturn_credentials",
    "get_hf_turn_credentials",
    "get_hf_turn_credentials_async",
    "get_turn_credentials",
    "get_turn_credentials_async",
    "get_twilio_turn_credentials",
    "get_twilio_turn_credentials_async",
]
