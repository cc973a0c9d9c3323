"""The UDP and TCP ports of WebRTC connections."""
