"""Texts that a user has typed, on their way to the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...handlers.base import StreamHandlerBase
from ...handlers.inputs import WebRTCData
from ...handlers.link import link_of, submit
from ...session.media import Media
from ...session.session import Session

__all__ = ["submit_text"]


def submit_text(session: Session, media: Media, content: str, options: Mapping[str, Any]) -> bool:
    """Pass a text to the program.

    An ``on_message`` gets ``{"type": "send-text", "data": {"content", "options"}}``. Without one, a
    ``ReplyOnPause`` whose function takes inputs replies to it, as it does to the textbox of a page:
    its input is a ``WebRTCData`` with the text.

    Args:
        session: The session.
        media: Its media.
        content: The text.
        options: ``run_immediately`` (default True): whether to interrupt what is being said.

    Returns:
        Whether the program takes text.
    """
    handler = session.handler
    takes_message = session.messages.on_message is not None
    if not takes_message and not _takes_text(handler):
        return False
    if options.get("run_immediately", True):
        media.interrupt()
    if takes_message:
        data = {"content": content, "options": dict(options)}
        return session.messages.receive({"type": "send-text", "data": data})
    media.set_page_args(WebRTCData(webrtc_id=session.id, textbox=content), [])
    submit(handler)
    return True


def _takes_text(handler: Any) -> bool:
    """Return whether a handler replies to a text: its function takes inputs besides audio."""
    if not isinstance(handler, StreamHandlerBase) or link_of(handler).conversation is None:
        return False
    return bool(handler._needs_additional_inputs)  # type: ignore[attr-defined]
