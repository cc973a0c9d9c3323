"""WHIP and WHEP: senders such as OBS, and players, over HTTP and WebRTC."""
