"""What the tests of the simulation share: nothing is logged, formatting would cost the most."""

import pytest

from tests.simulation.session import silence


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Log nothing."""
    silence()
