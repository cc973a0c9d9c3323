"""A connection over WebRTC: its peer, its tracks, and what aiortc is told."""
