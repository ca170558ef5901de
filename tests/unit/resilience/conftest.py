"""What these tests stand on: virtual time on both backends, and the log as values."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from watchkit.testing import VIRTUAL_BACKENDS, virtual_backend


@pytest.fixture(params=VIRTUAL_BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Run an `anyio` test in virtual time."""
    return virtual_backend(request.param)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """Give what was logged; nothing of it is rendered."""
    with capture_logs() as captured:
        yield captured
