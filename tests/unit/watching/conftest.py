"""What these tests stand on: virtual time on both backends, and a cluster to misbehave."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.unit.watching.reading import Clock
from watchkit import ListerWatcher
from watchkit.testing import VIRTUAL_BACKENDS, FakeCluster


@pytest.fixture(params=VIRTUAL_BACKENDS)
def clock(request: pytest.FixtureRequest) -> Clock:
    """Give the virtual clock that the test runs on."""
    return Clock(request.param)


@pytest.fixture
def anyio_backend(clock: Clock) -> tuple[str, dict[str, object]]:
    """Run an `anyio` test in virtual time."""
    return clock.backend


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with nothing in it."""
    return FakeCluster()


@pytest.fixture
def pods(cluster: FakeCluster) -> ListerWatcher:
    """Give the pods of namespace shop."""
    return cluster.source("v1", "pods", "shop")


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """Give what was logged; nothing of it is rendered."""
    with capture_logs() as captured:
        yield captured
