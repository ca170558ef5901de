"""What the contracts stand on: asyncio, as aiohttp knows nothing else."""

import pytest


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: aiohttp has no trio."""
    return "asyncio"
