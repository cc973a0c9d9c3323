"""One end of a connection: what a simulated caller sends and hears, on the line's own clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import CallFailed

__all__ = ["FRAME", "FRAME_S", "RATE", "Line", "Message"]

RATE = 48_000
"""Sample rate of the frames that a caller sends, in Hz."""

FRAME_S = 0.02
"""Length of such a frame, in seconds."""

FRAME = round(RATE * FRAME_S)
"""Length of such a frame, in samples."""

Message = dict[str, object]
"""A message of the server to its client, such as ``{"type": "log", "data": "started_talking"}``."""

T = TypeVar("T")


class Line(ABC):
    """One end of a connection to a stream.

    ``Call`` sets the callbacks before ``open``. All methods but ``run`` and ``release`` are called,
    and all callbacks must be called, on one event loop, that of ``run``.

    Attributes:
        id: The id of the connection, from ``open`` on.
        tells_errors: Whether the server tells its client when the handler fails; otherwise the
            exceptions of a handler in this process are those in the log.
        resumes: Whether the client asks to resume its session when the network is lost.
        connect_limit_s: How long ``open`` may take, in seconds.
        hang_up_limit_s: How long the program may take to end the connection, in seconds.
        output_delay_s: How long after ``on_audio`` audio is audible, in seconds, for a server that
            records turns: the delay of a sound card.
        on_audio: Called with audio of the program as the caller hears it, in order: the time on
            ``now_s`` at which its first sample is played, its sample rate in Hz, and its samples,
            mono ``int16`` of shape ``(n,)``.
        on_message: Called with each JSON message of the server.
        on_outputs: Called with the values of each ``AdditionalOutputs`` of the program.
        on_end: Called once if the server ends the connection, with the reason.
    """

    tells_errors = True

    def __init__(self) -> None:
        self.id = ""
        self.resumes = False
        self.connect_limit_s = 20.0
        self.hang_up_limit_s = 12.0
        self.output_delay_s = 0.0
        self.on_audio: Callable[[float, int, NDArray[np.int16]], None] = _ignore
        self.on_message: Callable[[Message], None] = _ignore
        self.on_outputs: Callable[[tuple[object, ...]], None] = _ignore
        self.on_end: Callable[[str], None] = _ignore

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop of the line, and return its result.

        The time of the line may only pass while something runs here.
        """
        return await work

    async def release(self) -> None:  # noqa: B027 (optional)
        """Release what ``run`` needs, after ``hang_up``."""

    @abstractmethod
    async def open(self) -> None:
        """Connect.

        Raises:
            CallFailed: If the server refuses the connection, with its reason.
        """

    @abstractmethod
    def now_s(self) -> float:
        """Return the seconds since the line was opened, on its own clock."""

    @abstractmethod
    async def wait_until(self, when_s: float) -> None:
        """Wait until a time on ``now_s``."""

    @abstractmethod
    def send(self, frame: NDArray[np.int16]) -> None:
        """Send 20 ms of the caller's audio: 960 samples, mono, at 48 kHz.

        ``Call`` calls it every 20 ms, in silence, too.
        """

    @abstractmethod
    async def set_inputs(self, values: tuple[object, ...]) -> None:
        """Set the inputs of the handler, as the program's own route for them would."""

    @abstractmethod
    async def press(self, digit: str) -> None:
        """Press a key of the telephone.

        Raises:
            CallFailed: If the line has no keys.
        """

    def lose_network(self) -> None:
        """Lose the network: the server notices it at once.

        Raises:
            CallFailed: If the line cannot, or the session cannot be resumed.
        """
        raise CallFailed("Only a call over memory can lose its network: Call(stream, 'memory')")

    def restore_network(self) -> None:  # noqa: B027 (only after `lose_network`)
        """Resume the session: the network is back.

        Raises:
            CallFailed: If the program has ended the session.
        """

    @abstractmethod
    async def hang_up(self) -> None:
        """End the connection, and release what the line has started.

        Raises:
            CallFailed: If the program left something running that belongs to the connection.
        """


def _ignore(*args: object) -> None:
    """Do nothing."""
