"""What the tests of the command line stand on: asyncio, as aiohttp knows nothing else."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.cli.examples import manifest
from watchkit.testing import FakeApiServer, FakeCluster


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: aiohttp has no trio."""
    return "asyncio"


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with a pod in each of two namespaces."""
    cluster = FakeCluster()
    cluster.create(manifest("web-0"))
    cluster.create(manifest("web-1", "shop"))
    return cluster


@pytest.fixture
async def server(cluster: FakeCluster) -> AsyncIterator[FakeApiServer]:
    """Serve the cluster."""
    async with FakeApiServer(cluster) as server:
        yield server
