"""Informers and the connections of their client: none of them keeps another, or a call, waiting."""

from contextlib import AsyncExitStack, closing, suppress

import anyio
import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api

from tests.unit.api.wire import End, Step, WireServer, chunk, client_of, open_watch, whole
from tests.unit.informer.informing import cached, listed, touch
from tests.unit.watching.reading import pod
from watchkit import ClientConfig, ListWatch, SharedInformer, WatchkitError, connect
from watchkit.informer.settings import InitialList
from watchkit.testing import FakeApiServer, FakeCluster

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

NAMESPACES = [f"n{number}" for number in range(12)]
PATIENCE = 60


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio: aiohttp has no trio."""
    return "asyncio"


def of(namespace: str) -> dict[str, object]:
    """A pod of a namespace."""
    made = pod("a")
    made["metadata"]["namespace"] = namespace
    return made


async def many_at_once(api: ApiClient, cluster: FakeCluster, initial_list: InitialList) -> None:
    """Run an informer for each namespace, and use the client beside them."""
    core = CoreV1Api(api)
    async with AsyncExitStack() as stack:
        informers = [
            await stack.enter_async_context(
                SharedInformer(
                    ListWatch(core.list_namespaced_pod, namespace), initial_list=initial_list
                )
            )
            for namespace in NAMESPACES
        ]
        for informer in informers:
            await informer.wait_for_sync()
        await core.list_namespaced_config_map("n0")
        for namespace, informer in zip(NAMESPACES, informers, strict=True):
            await informer.wait_for_version(touch(cluster, "a", 1, namespace))
            assert cached(informer) == listed(cluster, namespace)


@pytest.mark.fault("F34")
@pytest.mark.parametrize("initial_list", ["list", "stream"])
@pytest.mark.parametrize("is_ours", [False, True])
async def test_informers_never_starve_a_client_of_connections(
    cluster: FakeCluster, initial_list: InitialList, *, is_ours: bool
) -> None:
    """A dozen on a client with room for one connection: all sync, follow, and calls go through."""
    for namespace in NAMESPACES:
        cluster.create(of(namespace))
    async with FakeApiServer(cluster) as server:
        if is_ours:
            client = connect(ClientConfig(kubeconfig=server.kubeconfig, pool_size=1))
        else:
            key = {"BearerToken": f"Bearer {server.token}"}
            client = client_of(server.url, connection_pool_maxsize=1, api_key=key)
        with anyio.fail_after(PATIENCE):
            async with client as api:
                await many_at_once(api, cluster, initial_list)


ENDLESS = [open_watch(), chunk(b"{}\n"), End.HANG]
ENDS: dict[str, list[Step]] = {
    "closed here": ENDLESS,
    "ended by the server": [open_watch(), chunk(b"")],
    "broken": [open_watch(), End.RESET],
    "refused": [whole(b"{}", 403)],
    "reset": [End.RESET],
    "no head": [End.HANG],
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_watch_takes_back_the_room_that_it_brought(end: str) -> None:
    """However it ends, or never begins: the bound on the client's connections is the caller's."""
    async with (
        WireServer([ENDLESS, ENDS[end]]) as server,
        client_of(server.url, connection_pool_maxsize=1) as api,
    ):
        connector = api.rest_client.pool_manager.connector
        assert connector is not None
        pods = ListWatch(CoreV1Api(api).list_namespaced_pod, "shop")
        first = await pods.watch({}, idle_timeout=PATIENCE)
        with suppress(WatchkitError):
            second = await pods.watch({}, idle_timeout=0.1 if end == "no head" else PATIENCE)
            with closing(second):
                while end != "closed here" and await second.receive() is not None:
                    pass
        assert connector.limit == 2
        first.close()
        assert connector.limit == 1
