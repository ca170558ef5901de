"""What every unit test stands on: each asynchronous one runs on both backends."""

import os
import random

import pytest
import structlog
from trio._core import _run

PLAINLY = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.format_exc_info,
    structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
)


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run an `anyio` test on asyncio and on trio; a module bound to one of them overrides this."""
    return str(request.param)


@pytest.fixture(autouse=True)
def luck(request: pytest.FixtureRequest) -> None:
    """Give each test the same luck in every run: jitter, and the order in which trio takes turns.

    A test has to hold whatever the luck: `WATCHKIT_LUCK=7 nox -s unit` deals another one.
    """
    dealt = f"{request.node.nodeid} {os.environ.get('WATCHKIT_LUCK', '')}"
    random.seed(dealt)
    _run._r.seed(dealt)  # noqa: SLF001 - what trio shuffles with is in nobody's reach else


@pytest.fixture(autouse=True)
def plain_log() -> None:
    """Log plainly, unless a test says how: by default each traceback is drawn with all it held.

    That takes longer than most tests do.
    """
    structlog.configure(processors=[*PLAINLY])  # capture_logs() changes the list
