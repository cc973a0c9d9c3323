"""The OpenAI Realtime API: its clients talk to a handler, over WebSocket and WebRTC."""

from .realtime_session import RealtimeSession, realtime_session

__all__ = ["RealtimeSession", "realtime_session"]
