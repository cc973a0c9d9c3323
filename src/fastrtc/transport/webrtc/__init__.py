"""The WebRTC transport: offers, candidates, tracks and the peer connection."""
