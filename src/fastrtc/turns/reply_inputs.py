"""The client's inputs to a reply: the arguments of the reply function besides the audio."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.messages import create_message
from ..handlers.base import wait_in_connection
from ..handlers.inputs import ExtraParameters, WebRTCData
from ..handlers.link import HandlerLink
from .face import Face
from .reply import Reply

__all__ = ["ReplyInputs"]

logger = logging.getLogger(__name__)

INPUTS_TIMEOUT_S = 10.0
"""How long to wait for the client's inputs if the function requires them."""

DEFAULTED_INPUTS_TIMEOUT_S = 3.0
"""How long to wait for them if they have defaults. A page that handles ``send_input`` answers in
a round trip; with one that does not, the reply is delayed by this."""

TRIGGER_FOLLOWS_INPUTS_S = 1.0
"""For how long after a reply received its inputs a ``trigger_response()`` belongs to that reply: a
page that answers ``send_input`` by setting the inputs and triggering sends two requests."""


class ReplyInputs:
    """Ask the client for its inputs when a reply needs them, and wait for them.

    Args:
        face: The ``ReplyOnPause``, which stores the inputs.
        link: The link between the handler and its connection.
    """

    def __init__(self, face: Face, link: HandlerLink) -> None:
        self._face = face
        self._link = link
        self._reply: Reply | None = None  # the last one that asked
        self._waiting: list[Reply] = []  # that of startup_fn, and that to speech meanwhile
        self._taken: list[object] | None = None  # latest_args that it took
        self._owed: list[tuple[float, float]] = []  # requests: when, and answered until when
        self._delay_s = 0.0  # of the last answer
        self._seen = 0  # inputs set that were compared with them
        self._answered_at = -math.inf  # when the last inputs came, if they were an answer
        self._unanswered: object = None  # latest_args of a client that did not answer

    def triggered(self) -> bool:
        """Return whether a trigger is part of the client's answer to a request.

        An answer is one set of inputs, and the triggers that come with it. It may come after the
        reply has ended. A text that the client submitted is a turn of its own, unless a reply waits
        for it.
        """
        reply = self._reply
        if reply is None:
            return False
        if any(not waiting.superseded for waiting in self._waiting):
            return True
        if self._link.submitted:
            self._seen = self._link.inputs_set
            return False
        is_new = self._compare()
        follows = time.monotonic() - self._answered_at < TRIGGER_FOLLOWS_INPUTS_S
        return follows and (is_new or not reply.superseded)

    def _compare(self) -> bool:
        """Compare inputs set meanwhile with the requests; return whether there are any."""
        now, count = time.monotonic(), self._link.inputs_set
        new, self._seen = count - self._seen, count
        self._owed = [request for request in self._owed if request[1] > now]
        if 0 < new <= len(self._owed):
            self._answered_at, self._delay_s = now, now - self._owed[new - 1][0]
        elif new:
            self._answered_at = -math.inf
        del self._owed[:new]
        return new > 0

    def expire(self) -> None:
        """Let the next reply ask for inputs, unless some were set since this one took its own."""
        taken, face = self._taken, self._face

        def clear() -> None:
            if taken is not None and face.latest_args is taken:
                face.args_set.clear()

        self._link.call_on_loop(clear)

    def arguments(self, reply: Reply, audio: tuple[int, NDArray[np.int16]]) -> tuple[Any, ...]:
        """Return the arguments of ``fn``: the audio, and the inputs if it takes any.

        Raises:
            concurrent.futures.CancelledError: If the reply is superseded meanwhile.
        """
        face = self._face
        if not face._needs_additional_inputs:
            return (audio,)
        extra = ExtraParameters.from_callable(face.fn, media=1)
        self._wait(reply, extra)
        inputs = list(face.latest_args)
        if inputs and isinstance(inputs[0], WebRTCData):
            inputs[0].audio = audio
            return tuple(inputs)
        values = inputs[1:] if extra.max_count is None else inputs[1 : 1 + extra.max_count]
        return (audio, *values)

    def startup_arguments(self, reply: Reply, startup_fn: Callable[..., Any]) -> tuple[Any, ...]:
        """Return the arguments of ``startup_fn``: the inputs if it takes any.

        Raises:
            concurrent.futures.CancelledError: If the reply is superseded meanwhile.
        """
        extra = ExtraParameters.from_callable(startup_fn, media=0)
        if not extra.wants_inputs:
            return ()
        self._wait(reply, extra)
        return tuple(self._face.latest_args[1:])[: extra.max_count]

    def _wait(self, reply: Reply, extra: ExtraParameters) -> None:
        """Ask the client for its inputs, and wait for them.

        A client that has not answered once, where the function can be called without inputs, is
        asked again but not waited for until it sets some.
        """
        face = self._face
        if self._link.loop is None or face.phone_mode:
            return
        required = extra.required > 0 or face.needs_args
        timeout = INPUTS_TIMEOUT_S if required else DEFAULTED_INPUTS_TIMEOUT_S
        if not required and self._unanswered is face.latest_args:
            self._link.send(create_message("send_input", []))
            return
        self._compare()
        asked_at = time.monotonic()
        self._owed.append((asked_at, asked_at + timeout))
        self._reply = reply
        self._waiting.append(reply)
        try:
            reply.wait_for(lambda: asyncio.wait_for(wait_in_connection(face), timeout))
            self._taken = face.latest_args
            if not self._compare():  # they were set before, and the client was asked nevertheless
                window = min(TRIGGER_FOLLOWS_INPUTS_S + self._delay_s, DEFAULTED_INPUTS_TIMEOUT_S)
                self._owed[-1:] = [(asked_at, asked_at + window)]
                self._answered_at = asked_at
        except (TimeoutError, asyncio.TimeoutError):
            self._owed.clear()
            self._unanswered = face.latest_args
            logger.warning("The client set no inputs within %.0f s", timeout)
        finally:
            self._waiting.remove(reply)
