"""Transports: WebRTC, WebSockets and telephone calls."""
