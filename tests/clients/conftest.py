"""Fixtures of the tests with other clients."""

import os
from pathlib import Path

import pytest

from tests.e2e.harness.clientgo import built_clientgo, built_kubectl
from tests.e2e.harness.progress import Progress


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio: aiohttp knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """Find kubectl, or build it."""
    return built_kubectl(os.environ, Progress())


@pytest.fixture(scope="session")
def clientgo() -> Path:
    """Find the program with client-go's informer, or build it."""
    return built_clientgo(os.environ, Progress())
