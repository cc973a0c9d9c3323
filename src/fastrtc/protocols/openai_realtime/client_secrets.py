"""Short-lived keys, which a program's server gets for its browsers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...server.tokens import Tokens
from .client_events import invalid
from .credentials import KEY_PREFIX
from .errors import EventError
from .session_config import SessionConfig

__all__ = ["SESSION_KEY", "check_session", "create_secret"]

SESSION_KEY = "openai_session"
"""The key in ``Context.metadata`` of the session that belongs to a short-lived key."""


class _Expiry(BaseModel):
    model_config = ConfigDict(extra="ignore")
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200)] = 600


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    expires_after: _Expiry = _Expiry()
    session: dict[str, Any] | None = None


def check_session(session: Any) -> dict[str, Any] | None:
    """Return the session that a client sends with a request; None without one.

    Raises:
        EventError: If it is invalid.
    """
    if session is None:
        return None
    if not isinstance(session, dict):
        raise EventError("session must be an object", param="session")
    SessionConfig("", "", None).update(session)
    return session


def create_secret(body: bytes, tokens: Tokens, user: Any = None) -> Mapping[str, Any]:
    """Answer a request for a short-lived key.

    Args:
        body: The request.
        tokens: Those of the stream.
        user: The user of the connection that is made with it.

    Raises:
        EventError: If the request is invalid.
    """
    try:
        request = _Body.model_validate(json.loads(body or b"{}"))
    except ValidationError as error:
        raise invalid(error) from None
    except (ValueError, RecursionError):
        raise EventError("The body is not valid JSON", "invalid_json") from None
    session, seconds = check_session(request.session), request.expires_after.seconds
    metadata = {} if session is None else {SESSION_KEY: session}
    try:
        token = tokens.issue(user, metadata, ttl=seconds)
    except (TypeError, ValueError) as error:  # too large, or a user that is no JSON
        raise EventError(str(error), param="session") from None
    config = SessionConfig("", (session or {}).get("model") or "", None)
    if session is not None:
        config.update(session)
    expires_at = int(time.time() + seconds)
    return {
        "value": f"{KEY_PREFIX}{token}",
        "expires_at": expires_at,
        "session": {**config.as_dict(), "expires_at": expires_at},
    }
