"""The pytest plugin of watchkit: fixtures over `watchkit.testing` for those who ask for them.

It is no part of the package, so that a run of tests which asks for none of them imports nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import pytest

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient

    from watchkit.testing import FakeApiServer, FakeCluster

_Scope: TypeAlias = Literal["session", "package", "module", "class", "function"]


@pytest.fixture
def fake_cluster() -> FakeCluster:
    """Give a fake cluster with nothing in it."""
    from watchkit.testing import FakeCluster  # noqa: PLC0415 - only where it is asked for

    return FakeCluster()


@pytest.fixture
async def fake_api(anyio_backend: object, fake_cluster: FakeCluster) -> AsyncGenerator[ApiClient]:
    """Give a kubernetes_asyncio ApiClient that `fake_cluster` answers in memory; asyncio only."""
    _check_asyncio(anyio_backend, "fake_api")
    async with fake_cluster.connect() as api:
        yield api


@pytest.fixture
async def fake_api_server(
    anyio_backend: object, fake_cluster: FakeCluster, request: pytest.FixtureRequest
) -> AsyncGenerator[FakeApiServer]:
    """Give `fake_cluster` over HTTP on a loopback socket; asyncio only, in real time."""
    from watchkit.testing import FakeApiServer  # noqa: PLC0415

    _check_asyncio(anyio_backend, "fake_api_server")
    if "virtual_clock" in request.fixturenames:
        pytest.fail("fake_api_server has sockets, for which virtual_clock does not wait")
    async with FakeApiServer(fake_cluster) as server:
        yield server


@pytest.fixture
async def virtual_clock(anyio_backend: object) -> Callable[[], float]:
    """Run the test in virtual time, where waiting takes none; give the clock, in seconds.

    The test begins at 0.0, unless an async fixture of a wider scope keeps the loop of the test
    before. It runs on asyncio, where `anyio_backend` is not parametrized by the test itself.
    """
    import anyio  # noqa: PLC0415

    if _is_elsewhere(anyio_backend):
        pytest.fail(
            "an async fixture of a wider scope keeps a loop, for which virtual_clock is late"
        )
    return anyio.current_time


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give those tests that ask for `virtual_clock` a loop that has one."""
    if "virtual_clock" not in metafunc.fixturenames:
        return
    from watchkit.testing import virtual_backend  # noqa: PLC0415

    given = metafunc.definition.iter_markers("parametrize")
    if not any("anyio_backend" in str(mark.args[0]) for mark in given):
        backend = pytest.param(virtual_backend("asyncio"), id="virtual")
        # As a mark it wins over the parameters of the fixture; a call would come on top of them.
        mark = pytest.mark.parametrize("anyio_backend", [backend], scope=_scope(metafunc))
        metafunc.definition.add_marker(mark)


def _scope(metafunc: pytest.Metafunc) -> _Scope:
    """The scope of the fixture that is replaced, so that others of that scope can stand on it."""
    known: Mapping[str, Sequence[pytest.FixtureDef[object]]]
    known = getattr(metafunc, "_arg2fixturedefs", {})  # pytest has no public name for it
    found = known.get("anyio_backend")
    return found[-1].scope if found else "function"


def _is_elsewhere(backend: object) -> bool:
    """Whether the test runs on another loop than the one that its backend makes."""
    if not isinstance(backend, tuple):
        return False
    _name, options = cast("tuple[str, Mapping[str, object]]", backend)
    factory = options.get("loop_factory")
    return isinstance(factory, type) and not isinstance(asyncio.get_running_loop(), factory)


def _check_asyncio(backend: object, fixture: str) -> None:
    if backend != "asyncio" and not (isinstance(backend, tuple) and "asyncio" in backend):
        pytest.skip(f"{fixture} needs asyncio, as kubernetes_asyncio does")
