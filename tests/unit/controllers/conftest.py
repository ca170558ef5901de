"""Virtual time on both backends and a cluster, as for watchers; hypothesis as at the core."""

import pytest

from tests.unit.controllers.in_memory import InMemory
from tests.unit.core import conftest as core
from tests.unit.watching.conftest import anyio_backend, clock, cluster, logs, pods
from watchkit.testing import FakeCluster

__all__ = ["anyio_backend", "clock", "cluster", "core", "logs", "pods"]


@pytest.fixture
def api(cluster: FakeCluster) -> InMemory:
    """Give a client of the cluster."""
    return InMemory(cluster)
