"""Fixtures of the tests on a real API server."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol, TypeVar

import anyio
import pytest
from _pytest.capture import CaptureManager

from .harness import (
    Binaries,
    Cluster,
    ControlPlane,
    Existing,
    Kind,
    NoServerError,
    RecordingProxy,
    adopted_cluster,
    find_binaries,
    find_server,
    kind_cluster,
    prepared_control_plane,
    running_control_plane,
)

HERE: Final = Path(__file__).parent
TIMEOUT: Final = 600  # seconds, ten times what the longest takes; fixtures mind their own

FoundT = TypeVar("FoundT")


class Launch(Protocol):
    """Starts a control plane for one test: `async with launch(...) as control_plane:`."""

    def __call__(
        self,
        *,
        etcd_members: int = 1,
        audit: bool = False,
        token_webhook: str | None = None,
        **flags: str | None,
    ) -> AbstractAsyncContextManager[ControlPlane]:
        """See `running_control_plane`."""
        ...


def pytest_configure() -> None:
    """Keep loopback out of any HTTP proxy that the environment names."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test here its time; the limit for unit tests is too short for a real server."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT, func_only=True))


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio: aiohttp knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def control_plane(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """Lend the API server that all tests of the run share; never restart or reconfigure it."""
    server = _found(find_server, pytestconfig)
    match server:
        case Existing(kubeconfig):
            with adopted_cluster(kubeconfig) as cluster:
                yield cluster
        case Kind():
            with kind_cluster(server) as cluster:
                yield cluster
        case Binaries():
            with prepared_control_plane(server, audit=True) as plane:
                anyio.run(plane.start)
                yield plane


@pytest.fixture
def private_control_plane(pytestconfig: pytest.Config) -> Launch:
    """Return what starts a control plane for one test, to do to it whatever the test likes."""
    binaries = _found(find_binaries, pytestconfig)

    def launch(
        *,
        etcd_members: int = 1,
        audit: bool = False,
        token_webhook: str | None = None,
        **flags: str | None,
    ) -> AbstractAsyncContextManager[ControlPlane]:
        return running_control_plane(
            binaries,
            etcd_members=etcd_members,
            audit=audit,
            token_webhook=token_webhook,
            **flags,
        )

    return launch


@pytest.fixture
async def namespace(control_plane: Cluster) -> AsyncIterator[str]:
    """Lend a namespace of the shared API server that no other test has."""
    name = await control_plane.create_namespace()
    yield name
    if not isinstance(control_plane, ControlPlane):  # ours has nobody who would empty it
        await control_plane.call("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
async def proxy(control_plane: Cluster) -> AsyncIterator[RecordingProxy]:
    """Lend a proxy before the shared API server."""
    async with RecordingProxy(control_plane) as opened:
        yield opened


def _found(find: Callable[[], FoundT], config: pytest.Config) -> FoundT:
    """Find a server with pytest's capture suspended: building one takes minutes and says so."""
    capture = config.pluginmanager.getplugin("capturemanager")
    try:
        if not isinstance(capture, CaptureManager):
            return find()
        with capture.global_and_fixture_disabled():
            return find()
    except NoServerError as error:
        pytest.fail(str(error), pytrace=False)
