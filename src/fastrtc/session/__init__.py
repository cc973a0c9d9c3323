"""The life cycle of a connection, independent of its transport."""
