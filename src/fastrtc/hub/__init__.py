"""Model files of the Hugging Face Hub, or its cache."""

from .files import HubUnavailable, hub_files

__all__ = ["HubUnavailable", "hub_files"]
