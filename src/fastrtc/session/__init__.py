"""The life of a connection, whatever it travels over."""
