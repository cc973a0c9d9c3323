"""The client's inputs to a reply: the arguments of the reply function besides the audio."""

from __future__ import annotations

import asyncio
import logging
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
        self._taken: tuple[object, float] | None = None  # by the running reply; and when
        self._unanswered: object = None  # latest_args of a client that did not answer

    def begin_reply(self) -> None:
        """Record that a reply begins, which has received no inputs yet."""
        self._taken = None

    def triggered(self, reply: Reply | None) -> bool:
        """Return whether a trigger belongs to the inputs that the running reply asked for.

        Args:
            reply: The running reply, if any.
        """
        if reply is None or reply.superseded:
            return False
        if reply.waits_for_inputs:
            return True
        if self._taken is None:
            return False
        taken, at = self._taken
        follows = time.monotonic() - at < TRIGGER_FOLLOWS_INPUTS_S
        return follows and self._face.latest_args is taken

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
        reply.waits_for_inputs = True
        try:
            reply.wait_for(lambda: asyncio.wait_for(wait_in_connection(face), timeout))
            self._taken = (face.latest_args, time.monotonic())
        except (TimeoutError, asyncio.TimeoutError):
            self._unanswered = face.latest_args
            logger.warning("The client set no inputs within %.0f s", timeout)
        finally:
            reply.waits_for_inputs = False
