"""watch(): what each argument is, told apart by its name, as those of Watch().stream know it.

Over loopback, in real time: it takes a method of kubernetes_asyncio, and that needs a client.
"""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api, CustomObjectsApi, V1Pod

from tests.unit.watching.reading import pod, take, word
from watchkit import Backoff, Object, ResourceExpired, RetryWatcher, watch
from watchkit.testing import FakeApiServer, FakeCluster, Gone

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio in real time: there are sockets."""
    return "asyncio"


@pytest.fixture
async def api(cluster: FakeCluster) -> AsyncIterator[ApiClient]:
    """Give a client of a fake server that holds pods a (app=web) and b of namespace shop."""
    cluster.create({**pod("a", app="web"), "spec": {"containers": []}})
    cluster.create(pod("b", app="db"))
    async with FakeApiServer(cluster) as server:
        settings = Configuration()
        await config.load_kube_config(config_file=server.kubeconfig, client_configuration=settings)
        async with ApiClient(settings) as api:
            yield api


async def test_the_current_objects_come_first(cluster: FakeCluster, api: ApiClient) -> None:
    """As with Watch().stream, where no resource_version is given."""
    async with watch(CoreV1Api(api).list_namespaced_pod, "shop") as watcher:
        assert await take(watcher, 2) == ["+a!", "+b!"]
        cluster.create(pod("c"))
        assert await take(watcher, 1) == ["+c"]

    assert [(each.verb, each.namespace) for each in cluster.requests] == [
        ("list", "shop"),
        ("watch", "shop"),
    ]


async def test_from_a_version_nothing_old_comes(cluster: FakeCluster, api: ApiClient) -> None:
    """With a resource_version, it resumes strictly after it."""
    async with watch(CoreV1Api(api).list_namespaced_pod, "shop", resource_version="96") as watcher:
        assert await take(watcher, 1) == ["+b"]

    assert [each.verb for each in cluster.requests] == ["watch"]


async def test_replaying_can_be_declined(cluster: FakeCluster, api: ApiClient) -> None:
    """replay_existing=False begins now."""
    method = CoreV1Api(api).list_pod_for_all_namespaces
    async with watch(method, replay_existing=False) as watcher, anyio.create_task_group() as tasks:

        async def create() -> None:
            while len(cluster.requests) < 2:  # noqa: ASYNC110 - until the watch is there
                await anyio.sleep(0.01)
            cluster.create(pod("c"))

        tasks.start_soon(create)
        assert await take(watcher, 1) == ["+c"]


async def test_each_argument_goes_where_its_name_says(cluster: FakeCluster, api: ApiClient) -> None:
    """Path arguments by position or name, ListOptions' names, RetryWatcher's keywords."""
    async with watch(
        CoreV1Api(api).list_namespaced_pod,
        namespace="shop",
        label_selector={"app": "web"},
        field_selector="metadata.name=a",
        limit=7,
        timeout_seconds=9,
        allow_watch_bookmarks=False,
        extra={"newParam": "x"},
        backoff=Backoff(initial=0.01),
        idle_timeout=30.0,
        on_expired="raise",
        model=V1Pod,
    ) as watcher:
        event = await anext(watcher)
        assert isinstance(event.object, V1Pod)
        cluster.inject(Gone())
        with pytest.raises(ResourceExpired):
            await anext(watcher)

    listed, watched = (dict(each.query) for each in cluster.requests)
    assert listed == {
        "labelSelector": "app=web",
        "fieldSelector": "metadata.name=a",
        "limit": "7",
        "newParam": "x",
    }
    assert watched == {
        "labelSelector": "app=web",
        "fieldSelector": "metadata.name=a",
        "timeoutSeconds": "9",
        "allowWatchBookmarks": "false",
        "resourceVersion": "97",
        "newParam": "x",
        "watch": "true",
    }


async def test_custom_objects_are_watched_by_their_path(
    cluster: FakeCluster, api: ApiClient
) -> None:
    """CustomObjectsApi's methods take group, version and plural too."""
    cluster.add_resource("x.io/v1", "shops", "Shop")
    cluster.create({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "s"}})
    method = CustomObjectsApi(api).list_namespaced_custom_object
    async with watch(method, "x.io", "v1", "default", "shops") as watcher:
        event = await anext(watcher)

    assert word(event) == "+s!"
    assert isinstance(event.object, Object)


@pytest.mark.parametrize(
    "keywords",
    [
        {"lable_selector": "app=web"},
        {"watch": True},
        {"_continue": "t"},
        {"_request_timeout": 5},
        {"_preload_content": False},
        {"callback": print},
        {"pretty": "true"},
    ],
    ids=lambda each: next(iter(each)),
)
async def test_unknown_names_are_refused(api: ApiClient, keywords: dict[str, Any]) -> None:
    """A TypeError, not an option that is silently dropped or leaks into a request."""
    with pytest.raises(TypeError, match=next(iter(keywords))):
        watch(CoreV1Api(api).list_namespaced_pod, "shop", **keywords)


async def test_what_is_no_list_method_is_refused(api: ApiClient) -> None:
    """So are missing and surplus path arguments."""
    v1 = CoreV1Api(api)
    with pytest.raises(TypeError):
        watch(v1.create_namespaced_pod, "shop")
    with pytest.raises(TypeError):
        watch(v1.list_namespaced_pod)
    with pytest.raises(TypeError):
        watch(v1.list_namespaced_pod, "shop", "app=web")
    with pytest.raises(TypeError):
        watch(print)


async def test_options_that_exclude_each_other_are_refused(api: ApiClient) -> None:
    """A ValueError, as from RetryWatcher itself."""
    method = CoreV1Api(api).list_namespaced_pod
    with pytest.raises(ValueError, match="exclude each other"):
        watch(method, "shop", resource_version="9", replay_existing=True)
    with pytest.raises(ValueError, match="however old"):
        watch(method, "shop", resource_version="0")
    with pytest.raises(ValueError, match="limit"):
        watch(method, "shop", limit=0)


async def test_it_is_a_retry_watcher(cluster: FakeCluster, api: ApiClient) -> None:
    """Nothing else, and making one sends nothing."""
    watcher = watch(CoreV1Api(api).list_namespaced_pod, "shop")

    assert type(watcher) is RetryWatcher
    assert repr(watcher) == "<RetryWatcher pods shop at=None attempt=0>"
    assert cluster.requests == []
    await watcher.aclose()
