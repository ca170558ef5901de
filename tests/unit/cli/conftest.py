"""What the tests of the command line stand on: asyncio, as aiohttp knows nothing else."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.unit.cli.examples import manifest
from tests.unit.cli.running import STEM
from watchkit.testing import FakeApiServer, FakeCluster

HERE: Final = Path(__file__).parent
TIMEOUT: Final = 400  # seconds: a program takes its time where the machine is busy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test here its time: on a machine that is not busy, none takes two seconds."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: aiohttp has no trio."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def stem() -> Iterator[None]:
    """Fork the programs of these tests off one that is started with the first of them."""
    with STEM:
        yield


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with a pod in each of two namespaces."""
    cluster = FakeCluster()
    cluster.create(manifest("web-0"))
    cluster.create(manifest("web-1", "shop"))
    # A watch of pods that begins before the newest version gets a bookmark if that is another's.
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "newest"}})
    return cluster


@pytest.fixture
async def server(cluster: FakeCluster) -> AsyncIterator[FakeApiServer]:
    """Serve the cluster."""
    async with FakeApiServer(cluster) as server:
        yield server
