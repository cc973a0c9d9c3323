"""Ray Serve: replicas that scale by their connections. Needs the extra ``ray``."""

from .deployment import RayExtraMissing, deployment

__all__ = ["RayExtraMissing", "deployment"]
