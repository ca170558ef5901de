"""What the tests of the fakes stand on: virtual time on both backends."""

import pytest

from watchkit.testing import VIRTUAL_BACKENDS, FakeCluster, virtual_backend


@pytest.fixture(params=VIRTUAL_BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Run an `anyio` test in virtual time; a module with sockets overrides this."""
    return virtual_backend(request.param)


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with nothing in it."""
    return FakeCluster()
