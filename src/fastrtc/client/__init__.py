"""A Python client for streams: audio, video and messages over WebRTC or WebSocket."""

from .client import Client
from .errors import JSON, ClientError
from .received import ReceivedAudio, ReceivedVideo

__all__ = ["JSON", "Client", "ClientError", "ReceivedAudio", "ReceivedVideo"]
