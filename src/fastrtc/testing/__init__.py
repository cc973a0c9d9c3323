"""A simulated caller: test a voice program without a browser, a microphone or a person."""

from .call import Call, Reply
from .errors import CallFailed
from .line import Line
from .turn import Turn

__all__ = ["Call", "CallFailed", "Line", "Reply", "Turn"]
