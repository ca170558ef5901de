"""Virtual time on both backends and a cluster, as for watchers."""

import pytest

from tests.unit.controllers.in_memory import InMemory
from tests.unit.watching.conftest import anyio_backend, clock, cluster, logs, pods
from watchkit.testing import FakeCluster

__all__ = ["anyio_backend", "clock", "cluster", "logs", "pods"]


@pytest.fixture
def api(cluster: FakeCluster) -> InMemory:
    """Give a client of the cluster."""
    return InMemory(cluster)
