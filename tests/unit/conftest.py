"""What every unit test stands on: each asynchronous one runs on both backends."""

import pytest


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run an `anyio` test on asyncio and on trio; a module bound to one of them overrides this."""
    return str(request.param)
