"""The client's inputs to a reply: the arguments of the reply function besides the audio."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass
class _Request:
    """A request for inputs, and what belongs to its answer.

    Attributes:
        reply: The reply that asked.
        before: ``latest_args`` when the client was asked.
        at: When the client was asked, or when the reply received the inputs.
        waiting: Whether the reply waits for the answer.
        answer: ``latest_args`` that the reply took; None if it took none.
        is_open: Whether the answer is still to come, because inputs were set already when the
            client was asked.
    """

    reply: Reply
    before: list[object]
    at: float
    waiting: bool = True
    answer: list[object] | None = None
    is_open: bool = False


class ReplyInputs:
    """Ask the client for its inputs when a reply needs them, and wait for them.

    Args:
        face: The ``ReplyOnPause``, which stores the inputs.
        link: The link between the handler and its connection.
    """

    def __init__(self, face: Face, link: HandlerLink) -> None:
        self._face = face
        self._link = link
        self._request: _Request | None = None  # the last one
        self._unanswered: object = None  # latest_args of a client that did not answer

    def triggered(self) -> bool:
        """Return whether a trigger is part of the client's answer to the last request.

        The answer is one set of inputs, and the triggers that come with it. It may come after the
        reply has ended.
        """
        request = self._request
        if request is None:
            return False
        if request.waiting:
            return not request.reply.superseded
        if time.monotonic() - request.at >= TRIGGER_FOLLOWS_INPUTS_S:
            return False
        latest = self._face.latest_args
        if request.is_open and latest is not request.before:
            request.answer, request.is_open = latest, False
            return True
        return latest is request.answer and not request.reply.superseded

    def expire(self) -> None:
        """Let the next reply ask for inputs, unless some were set since this one took its own."""
        request, face = self._request, self._face
        if request is None:
            return
        taken = request.answer

        def clear() -> None:
            if face.latest_args is taken:
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
        request = self._request = _Request(reply, face.latest_args, time.monotonic())
        try:
            reply.wait_for(lambda: asyncio.wait_for(wait_in_connection(face), timeout))
            request.answer, request.at = face.latest_args, time.monotonic()
            request.is_open = request.answer is request.before
        except (TimeoutError, asyncio.TimeoutError):
            self._unanswered = face.latest_args
            logger.warning("The client set no inputs within %.0f s", timeout)
        finally:
            request.waiting = False
