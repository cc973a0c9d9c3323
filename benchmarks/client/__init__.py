"""The client's half: aiortc peers in a process of their own, which send encoded packets."""
