"""Sockets and SDP: how connections are made, and what travels over them."""
