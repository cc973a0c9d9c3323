"""The recording of a connection, as programs control it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["NO_RECORDING", "RecordingControl"]


class RecordingControl(Protocol):
    """Start and stop the recording of a connection: ``Context.recording``. Thread-safe."""

    @property
    def active(self) -> bool:
        """Whether the connection is being recorded at the moment."""
        ...

    def start(self) -> None:
        """Start to record, or continue after ``stop``; without effect while it records.

        Raises:
            RuntimeError: If the stream has no ``Recorder``.
        """
        ...

    def stop(self) -> None:
        """Stop recording at once; what follows is silence in the file, until ``start``.

        A reply function runs ahead of what is played: to stop after its reply, call this in
        ``on_turn``.
        """
        ...


class _NoRecording:
    active = False

    def start(self) -> None:
        raise RuntimeError("The stream has no recorder: use Stream(record=Recorder(...))")

    def stop(self) -> None:
        """Do nothing."""


NO_RECORDING: RecordingControl = _NoRecording()
"""The recording of a connection whose stream has no recorder."""
