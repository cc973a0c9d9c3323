"""Programs of several processes, which share a directory of their connections."""
