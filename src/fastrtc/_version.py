"""The version, in a file of its own so that the build backend can read it without an import."""

__all__ = ["__version__"]

__version__ = "0.1.0"
