"""Other protocols than this package's own, as further routes of a ``Stream``."""
