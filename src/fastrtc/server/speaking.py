"""``say`` and ``interrupt`` for the id of a connection, in any process of a cluster."""

from __future__ import annotations

from typing import Any

from ..core.errors import NotConnected
from ..handlers.speaking import Sayable, SpeechHandle
from ..session.speaker import voice_of
from ..text_to_speech.protocol import TTSModel
from .endpoint import Endpoint, endpoint_of

__all__ = ["Speaking"]


class Speaking:
    """What a program says on the connections of an endpoint, and how it interrupts them.

    Attributes:
        voice: Speaks text that the program says; see ``Stream``.
    """

    voice: TTSModel[Any] | None = None

    def say(self, webrtc_id: str, speech: Sayable, *, interruptible: bool = True) -> SpeechHandle:
        """Play speech of the program's own accord on a connection; thread-safe.

        With a ``cluster``, the connection may belong to another process, as for ``set_input``;
        then only text and audio can be said.

        Args:
            webrtc_id: The connection; for an unknown id, nothing is played.
            speech: As for ``StreamHandlerBase.say``.
            interruptible: As for ``StreamHandlerBase.say``.

        Returns:
            A handle, to wait until it was played or interrupted.

        Raises:
            NoVoice: If it is text, and the stream has no ``voice``.
            CannotSay: If the client receives no audio, or too much waits to be said.
            HandlerError: If it is not valid audio.
            TypeError: If it is something else; for another process, if it is neither text nor
                audio.
            ValueError: If it is too long for another process.
        """
        return _say(endpoint_of(self), webrtc_id, speech, interruptible=interruptible)

    def interrupt(self, webrtc_id: str) -> None:
        """Drop the output of a connection that is not yet played, also at the client; thread-safe.

        A ``ReplyOnPause`` cancels its reply, as if the client had interrupted it; a generator goes
        on with what it yields next. With a ``cluster``, the connection may belong to another
        process, as for ``set_input``.

        Args:
            webrtc_id: The connection; an unknown id is ignored.
        """
        endpoint: Endpoint = endpoint_of(self)
        media = endpoint.media(webrtc_id)
        if media is not None:
            media.interrupt()
        else:
            endpoint.send_elsewhere(webrtc_id, "interrupt")


def _say(endpoint: Endpoint, id: str, speech: Sayable, *, interruptible: bool) -> SpeechHandle:
    """Say something on a connection; see ``Speaking.say``."""
    media, cluster = endpoint.media(id), endpoint.cluster
    if media is not None:
        try:
            return media.say(speech, interruptible=interruptible)
        except NotConnected:  # it has just ended
            pass
    elif cluster is not None:
        if isinstance(speech, str):
            voice_of(endpoint.owner.voice)  # the program is the same in all processes
        from .cluster.remote_speech import say_elsewhere

        return say_elsewhere(cluster, id, speech, interruptible=interruptible)
    handle = SpeechHandle()
    handle.end(False)
    return handle
