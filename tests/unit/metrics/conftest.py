"""Virtual time on both backends and a cluster, as for watchers; and metrics to look at."""

import pytest
from prometheus_client import CollectorRegistry

from tests.unit.watching.conftest import anyio_backend, clock, cluster, logs, pods
from watchkit.metrics import Metrics

__all__ = ["anyio_backend", "clock", "cluster", "logs", "pods"]


@pytest.fixture
def registry() -> CollectorRegistry:
    """Give a registry with nothing in it."""
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    """Give metrics in that registry."""
    return Metrics(registry)
