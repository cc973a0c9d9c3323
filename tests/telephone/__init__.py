"""Telephone calls over a real socket: simulated phones of each provider."""
