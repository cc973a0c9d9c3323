"""Metrics for Prometheus and traces for OpenTelemetry. Needs the extra ``metrics``."""

from .errors import MetricsExtraMissing
from .exporter import prometheus
from .tracing import conversation_id, trace

__all__ = ["MetricsExtraMissing", "conversation_id", "prometheus", "trace"]
