"""What the tests of the edge stand on: asyncio, as aiohttp knows nothing else."""

import pytest

from tests.unit.api.pushed import PUSHED


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Run on asyncio, as aiohttp has no trio, by a clock that can be pushed on."""
    name, options = PUSHED
    return name, dict(options)
