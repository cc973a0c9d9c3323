"""Recording: both sides of a conversation in one file, placed by position. Needs no session."""

from .recorder import Recorder, RecordingEnd

__all__ = ["Recorder", "RecordingEnd"]
