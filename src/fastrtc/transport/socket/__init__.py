"""The WebSocket transport: browsers, programs and telephone calls."""
