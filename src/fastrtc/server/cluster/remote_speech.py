"""``say`` for a connection of another node: how speech is encoded, and the wait for its end."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np

from ...audio.convert import to_int16
from ...core.outputs import is_output
from ...handlers.speaking import Sayable, SpeechHandle
from ...pacing.audio_output import check_output
from .internal import MAX_BODY_BYTES

if TYPE_CHECKING:
    from ...session.media import Media
    from .membership import Membership
    from .sending import Start

__all__ = ["Encoded", "decode_speech", "encode_speech", "say_elsewhere", "say_here", "wait_here"]

MAX_TEXT = 64 << 10
"""Maximum length of a text, in characters."""

MAX_AUDIO_BYTES = MAX_BODY_BYTES - (64 << 10)
"""Maximum size of audio as 16-bit samples, in bytes: what one call holds."""

MAX_ENDED = 64
"""How many ends of speech are kept for nodes that have not asked for them yet."""

WAIT_S = 15.0
"""How long the owner waits for the end of speech before it answers that it is still played, in
seconds."""

Encoded = str | tuple[int, int, bytes]
"""A text; or a sample rate in Hz, a number of channels, and 16-bit samples, channel by channel."""


def encode_speech(speech: Sayable) -> Encoded:
    """Encode speech for another node.

    Raises:
        TypeError: If it is neither text nor audio.
        HandlerError: If it is not valid audio.
        ValueError: If it is too long.
    """
    if isinstance(speech, str):
        if len(speech) > MAX_TEXT:
            raise ValueError(
                f"say: {len(speech)} characters are more than the {MAX_TEXT} that another process "
                "of the cluster accepts"
            )
        return speech
    if not is_output(speech):
        raise TypeError(
            "say: the connection may belong to another process, where only text and audio can be "
            f"said, not {type(speech).__name__}: use handler.say() in the process that has it"
        )
    rate, planar = check_output(speech)
    samples = to_int16(planar).astype("<i2").tobytes()
    if len(samples) > MAX_AUDIO_BYTES:
        raise ValueError(
            f"say: {planar.shape[1] / rate:.0f} s of audio are more than another process of the "
            "cluster accepts: say it in parts"
        )
    return rate, len(planar), samples


def decode_speech(encoded: Any) -> str | tuple[int, Any]:
    """Return encoded speech as text, or as audio of shape ``(channels, n)``.

    Raises:
        ValueError: If it is malformed.
    """
    if isinstance(encoded, str) and len(encoded) <= MAX_TEXT:
        return encoded
    try:
        rate, channels, data = encoded
        if not (type(rate) is type(channels) is int and channels in (1, 2) and len(data) > 0):
            raise ValueError("a rate, a number of channels or samples are missing")
        return rate, np.frombuffer(data, "<i2").astype(np.int16).reshape(channels, -1)
    except (TypeError, ValueError) as error:
        raise ValueError(f"This is not encoded speech: {error}") from None


def say_elsewhere(
    cluster: Membership, id: str, speech: Sayable, *, interruptible: bool
) -> SpeechHandle:
    """Say something on a connection that this node does not have; see ``Stream.say``.

    Raises:
        Exception: As for ``encode_speech``; and in a thread without an event loop, the exceptions
            of ``say`` at the owner.
    """
    handle, token = SpeechHandle(), uuid.uuid4().hex

    async def follow() -> None:
        answer = "playing"
        while answer == "playing":
            answer = await cluster.call(id, "said", token)
        handle.end(answer == "played")

    def then(accepted: Any, start: Start | None) -> None:
        if accepted is True and start is not None:
            start(follow(), "say").add_done_callback(lambda _: handle.end(False))
        else:
            handle.end(False)

    cluster.send(id, "say", token, encode_speech(speech), interruptible, then=then)
    return handle


def say_here(media: Media, token: str, encoded: Any, *, interruptible: bool) -> bool:
    """Say something that another node has sent.

    Raises:
        CannotSay: As for ``StreamHandlerBase.say``.
        ValueError: If the speech is malformed.
    """
    handle = media.say(decode_speech(encoded), interruptible=interruptible)
    assert media.speaker is not None
    remote = media.speaker.remote
    remote[token] = handle
    for known in [one for one in remote if remote[one].done][:-MAX_ENDED]:
        del remote[known]
    return True


async def wait_here(media: Media, token: str) -> str:
    """Wait for the end of speech that another node has sent, up to 15 s.

    Returns:
        ``"playing"``, ``"played"`` or ``"interrupted"``.
    """
    handle = None if media.speaker is None else media.speaker.remote.get(token)
    if handle is None:
        return "interrupted"
    try:
        played = await asyncio.wait_for(_end_of(handle), WAIT_S)
    except asyncio.TimeoutError:
        return "playing"
    return "played" if played else "interrupted"


async def _end_of(handle: SpeechHandle) -> bool:
    return await handle
