"""Metrics for Prometheus, read from what runs when they are scraped; needs the extra `metrics`."""

from watchkit.metrics.collector import Metrics

__all__ = ["Metrics"]
