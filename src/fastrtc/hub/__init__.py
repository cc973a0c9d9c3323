"""Model files: in installed packages, on the Hugging Face Hub or in its cache."""

from .files import HubUnavailable, hub_files
from .packages import find_packaged_file

__all__ = ["HubUnavailable", "find_packaged_file", "hub_files"]
