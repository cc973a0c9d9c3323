"""Several processes as one server: a directory of connections, and requests between processes."""
