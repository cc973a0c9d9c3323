"""What the program says on a connection: queued, played in order, watched until it was played."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import CannotSay, NotConnected, NoVoice
from ..core.outputs import is_output
from ..core.rates import FRAME_S
from ..core.tasks import runs_on
from ..handlers.speaking import Sayable, SpeechHandle
from ..pacing.audio_output import check_output
from ..text_to_speech.protocol import TTSModel
from ..turns.reply import ENDED, Reply
from ..turns.say import Say, speech_function
from .session import Session, State

if TYPE_CHECKING:
    from ..pacing.outbound import AudioOutbound

__all__ = ["Speaker", "voice_of"]

logger = logging.getLogger(__name__)

MAX_WAITING = 64
"""Maximum number of calls of ``say`` on one connection that were not played yet."""

EXACT_S = 0.005
"""Audio of this length or less in the queue counts as played: resampling changes it by as much."""


class Speaker:
    """Play what the program says with ``say``.

    A ``ReplyOnPause`` plays it as a reply. For other handlers, and for functions, a task plays it,
    while their own output waits.

    Args:
        session: The session.
        audio_out: Where the audio is queued.
        unplayed_s: Returns how much queued audio was not played, in seconds.

    Attributes:
        conversation: The conversation of a ``ReplyOnPause``, which plays what is said.
        voice: Returns the voice of the stream, or None.
        unplayed_s: See above; a transport whose client has a buffer replaces it.
        remote: What other processes have said, by a token.
    """

    def __init__(
        self, session: Session, audio_out: AudioOutbound, unplayed_s: Callable[[], float]
    ) -> None:
        self.conversation: Any = None
        self.voice: Callable[[], Any] = lambda: None
        self.unplayed_s = unplayed_s
        self.remote: dict[str, SpeechHandle] = {}
        self._session = session
        self._audio_out = audio_out
        self._lock = threading.Lock()
        self._says: list[Say] = []  # not played yet
        self._waiting: deque[Say] = deque()  # for the task
        self._runs = False
        session.on_start(self._connected)
        session.on_stop(self._close)

    def say(self, speech: Sayable, interruptible: bool = True) -> SpeechHandle:
        """Say something; thread-safe. See ``StreamHandlerBase.say``."""
        if self._session.ended:
            raise NotConnected(f"The connection {self._session.id!r} has ended")
        if self._audio_out.playout is None:
            raise CannotSay(f"The client of {self._session.id!r} receives no audio")
        say = Say(speech_function(_checked(speech), self._voice), interruptible, self._made)
        with self._lock:
            self._says = [one for one in self._says if not one.done]
            if len(self._says) >= MAX_WAITING:
                raise CannotSay(f"{MAX_WAITING} calls of say() wait to be played: wait for them")
            self._says.append(say)
            if self.conversation is None:
                self._waiting.append(say)
        if self.conversation is not None:
            self.conversation.speak(say)
        else:
            self._session.invoker.post(self._start)
        self._session.invoker.post(self._check_open, say)
        return say.handle

    def _voice(self) -> TTSModel[Any]:
        return voice_of(self.voice())

    def _check_open(self, say: Say) -> None:
        if self._session.ended:  # since the beginning of `say`
            say.cancel()

    def cut(self) -> None:
        """End what is being played, because the queue is cleared; thread-safe.

        What waits is dropped as well, except where a conversation decides about it.
        """
        with self._lock:
            says = [one for one in self._says if one.begun or self.conversation is None]
        for say in says:
            say.cancel()

    async def _close(self) -> None:
        if self.conversation is not None:
            self.conversation.disconnected()
        with self._lock:
            says, self._says = self._says, []
        for say in says:
            say.cancel()

    # On the event loop

    def _connected(self) -> None:
        if self.conversation is not None:
            self.conversation.connected()
        self._start()

    def _start(self) -> None:
        if self._waiting and not self._runs and self._session.state is State.LIVE:
            self._runs = True
            self._session.run("say", self._run())

    async def _run(self) -> str | None:
        """Play what waits; return the reason of a ``CloseStream``."""
        try:
            async with self._audio_out.turn:
                while self._waiting:
                    reason = await self._play(self._waiting.popleft())
                    if reason is not None:
                        return reason
            return None
        finally:
            self._runs = False

    async def _play(self, say: Say) -> str | None:
        name = f"fastrtc-{self._session.id}:say"
        reply = Reply(loop=self._session.loop, name=name).bind(say.function)
        if not say.begin(reply):
            return None
        reply.start()
        try:
            while (output := await reply.next()) is not ENDED:
                reason = await self._audio_out.take(output, in_turn=True)
                if reason is not None:
                    return reason
        except Exception as error:
            say.cancel()
            self._session.report(error)
        say.end()
        return None

    def _made(self, say: Say) -> None:
        """Watch until the audio so far was played; on the loop, or in the thread of ``emit``."""
        if runs_on(self._session.loop):
            self._watch(say, None)
        else:
            self._audio_out.mark(lambda: self._watch(say, None))

    def _watch(self, say: Say, end_s: float | None) -> None:
        playout = self._audio_out.playout
        if say.done or playout is None:
            say.handle.end(True)
            return
        end_s = playout.pushed_s if end_s is None else end_s
        left_s = end_s - (playout.pushed_s + playout.held_s - self.unplayed_s())
        if left_s <= EXACT_S:
            say.handle.end(True)
        else:
            self._session.loop.call_later(max(left_s, FRAME_S), self._watch, say, end_s)


def voice_of(voice: Any) -> TTSModel[Any]:
    """Return the voice of a stream.

    Raises:
        NoVoice: If there is none; the message says what to do.
    """
    if voice is not None:
        model: TTSModel[Any] = voice
        return model
    raise NoVoice(
        'Text needs a voice: Stream(..., voice=get_tts_model("kokoro")), after '
        '`pip install "fastrtc[tts]"`; or say audio'
    )


def _checked(speech: Any) -> Any:
    """Check audio where the program sees the error, and copy it: the array may be reused."""
    if isinstance(speech, str) or not is_output(speech):
        return speech
    rate, samples = check_output(speech)
    return (rate, np.array(samples)) if type(speech) in (tuple, list) else speech
