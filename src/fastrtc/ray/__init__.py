"""Ray Serve: replicas that scale by their connections. Needs the extra ``ray``."""

from .serve import RayExtraMissing, deployment

__all__ = ["RayExtraMissing", "deployment"]
