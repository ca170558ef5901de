"""What the tests of the fakes stand on: virtual time on both backends."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.unit.testing.manifests import config_map
from watchkit.core.source import ListerWatcher
from watchkit.testing import VIRTUAL_BACKENDS, FakeApiServer, FakeCluster, virtual_backend


@pytest.fixture(params=VIRTUAL_BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Run an `anyio` test in virtual time; a module with sockets overrides this."""
    return virtual_backend(request.param)


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with nothing in it."""
    return FakeCluster()


@pytest.fixture
async def server(cluster: FakeCluster) -> AsyncIterator[FakeApiServer]:
    """Give a server."""
    async with FakeApiServer(cluster) as server:
        yield server


@pytest.fixture
async def session(server: FakeApiServer) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session that is let in, and decodes nothing by itself."""
    async with aiohttp.ClientSession(
        server.url, auto_decompress=False, headers={"Authorization": f"Bearer {server.token}"}
    ) as session:
        yield session


@pytest.fixture
def source(cluster: FakeCluster) -> ListerWatcher:
    """Give a source with three objects; a watch from version 95 sees three events."""
    for name in "abc":
        cluster.create(config_map(name))
    return cluster.source("v1", "configmaps", "shop")
