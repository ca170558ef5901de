"""cluster.connect(): a client of kubernetes_asyncio that is answered in memory, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from kubernetes_asyncio import watch as foreign
from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    AppsV1Api,
    CoordinationV1Api,
    CoreV1Api,
    CustomObjectsApi,
    EventsV1Api,
    V1ConfigMap,
    V1Lease,
    V1LeaseSpec,
    V1ObjectMeta,
)
from kubernetes_asyncio.client.rest import RESTClientObject

from tests.unit.testing.manifests import config_map, pod
from watchkit import (
    Backoff,
    ListWatch,
    RetryingTransport,
    RetryPolicy,
    RetryWatcher,
    SharedInformer,
)
from watchkit.testing import Disconnect, FakeCluster, Unavailable, virtual_backend

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Run on asyncio, which kubernetes_asyncio needs, in virtual time: there are no sockets."""
    return virtual_backend("asyncio")


@pytest.fixture
async def api(cluster: FakeCluster) -> AsyncIterator[ApiClient]:
    """Give a connected client."""
    async with cluster.connect() as api:
        yield api


async def test_typed_calls_write_and_read(cluster: FakeCluster, api: ApiClient) -> None:
    """Create, read, replace, patch, list and delete go through, and the cluster has it all."""
    v1 = CoreV1Api(api)
    wanted = V1ConfigMap(metadata=V1ObjectMeta(name="a"), data={"k": "1"})

    created = await v1.create_namespaced_config_map("shop", wanted)
    created.data["k"] = "2"
    replaced = await v1.replace_namespaced_config_map("a", "shop", created)
    await v1.patch_namespaced_config_map("a", "shop", {"data": {"more": "3"}})
    await v1.patch_namespaced_config_map("a", "shop", [{"op": "remove", "path": "/data/k"}])
    listed = await v1.list_namespaced_config_map("shop")

    assert int(replaced.metadata.resource_version) > int(wanted.metadata.resource_version or 0)
    assert [each.data for each in listed.items] == [{"more": "3"}]
    assert cluster.get("v1", "configmaps", "shop/a")["data"] == {"more": "3"}
    assert (await v1.delete_namespaced_config_map("a", "shop")).status == "Success"
    assert cluster.list("v1", "configmaps") == []


async def test_a_refusal_is_the_exception_that_a_real_server_causes(api: ApiClient) -> None:
    """An ApiException with status, reason and the body of the Status."""
    with pytest.raises(ApiException) as refused:
        await CoreV1Api(api).read_namespaced_config_map("none", "shop")

    assert refused.value.status == 404
    assert '"reason":"NotFound"' in str(refused.value.body)


async def test_custom_objects_leases_and_events(cluster: FakeCluster, api: ApiClient) -> None:
    """The other APIs that controllers use are served, too."""
    cluster.add_resource("x.io/v1", "shops", "Shop")
    shop = {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "s"}, "spec": {}}
    lease = V1Lease(metadata=V1ObjectMeta(name="l"), spec=V1LeaseSpec(holder_identity="me"))
    custom = CustomObjectsApi(api)

    made = await custom.create_namespaced_custom_object("x.io", "v1", "shop", "shops", shop)
    status = await custom.patch_namespaced_custom_object_status(
        "x.io",
        "v1",
        "shop",
        "shops",
        "s",
        [{"op": "add", "path": "/status", "value": {"ready": True}}],
    )
    held = await CoordinationV1Api(api).create_namespaced_lease("shop", lease)

    assert made["metadata"]["generation"] == status["metadata"]["generation"] == 1
    assert status["status"] == {"ready": True}
    assert held.spec.holder_identity == "me"
    assert (await EventsV1Api(api).list_namespaced_event("shop")).items == []


async def test_replicas_are_scaled_by_the_subresource(cluster: FakeCluster, api: ApiClient) -> None:
    """Scale reads and writes the numbers of a deployment; that counts as a generation."""
    cluster.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "d", "namespace": "shop"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"b": "2", "a": "1"}}},
        }
    )
    apps = AppsV1Api(api)

    scale = await apps.read_namespaced_deployment_scale("d", "shop")
    scale.spec.replicas = 3
    await apps.replace_namespaced_deployment_scale("d", "shop", scale)
    patched = await apps.patch_namespaced_deployment_scale("d", "shop", {"spec": {"replicas": 4}})

    assert scale.status.selector == "a=1,b=2"
    assert patched.spec.replicas == 4
    deployment = cluster.get("apps/v1", "deployments", "shop/d")
    assert (deployment["spec"]["replicas"], deployment["metadata"]["generation"]) == (4, 3)


async def test_an_answer_can_be_read_by_hand(cluster: FakeCluster, api: ApiClient) -> None:
    """With _preload_content=False a call gives aiohttp's own response."""
    cluster.create(config_map("a"))

    answer: Any = await CoreV1Api(api).list_namespaced_config_map("shop", _preload_content=False)

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert [item["metadata"]["name"] for item in (await answer.json())["items"]] == ["a"]


async def test_the_watch_of_kubernetes_asyncio_works(cluster: FakeCluster, api: ApiClient) -> None:
    """Its lines come one by one."""
    cluster.create(config_map("a"))
    names: list[str] = []
    async with foreign.Watch() as events:
        async for event in events.stream(
            CoreV1Api(api).list_namespaced_config_map, "shop", timeout_seconds=30
        ):
            names.append(event["object"].metadata.name)
            if len(names) < 3:
                cluster.create(config_map("abc"[len(names)]))
            else:
                break

    assert names == ["a", "b", "c"]


async def test_watchers_and_informers_run_on_it(cluster: FakeCluster, api: ApiClient) -> None:
    """Over ListWatch, through HTTP and back: resumes after a broken connection, misses nothing."""
    cluster.create(pod("a"))
    source = ListWatch(CoreV1Api(api).list_namespaced_pod, "shop")
    with anyio.fail_after(300):
        async with (
            SharedInformer(source) as informer,
            RetryWatcher(source, replay_existing=True) as watcher,
        ):
            await informer.wait_for_sync()
            events = aiter(watcher)
            first = await anext(events)
            cluster.inject(Disconnect(), on="open")
            made = cluster.create(pod("b"))
            await informer.wait_for_version(made)
            second = await anext(events)

            assert sorted(informer.store) == ["shop/a", "shop/b"]
            assert (first.key, second.key) == ("shop/a", "shop/b")


async def test_a_retrying_transport_retries_on_it(cluster: FakeCluster, api: ApiClient) -> None:
    """The policy's waiting is virtual, and a write that was refused was not done."""
    cluster.inject(Unavailable(retry_after=20), on="write", times=2)
    beneath: RESTClientObject = api.rest_client
    api.rest_client = RetryingTransport(beneath, RetryPolicy(backoff=Backoff(jitter="none")))

    await CoreV1Api(api).create_namespaced_config_map(
        "shop", V1ConfigMap(metadata=V1ObjectMeta(name="a"))
    )

    assert asyncio.get_running_loop().time() >= 40
    assert [each.verb for each in cluster.requests] == ["create"] * 3


async def test_leaving_ends_everything(cluster: FakeCluster) -> None:
    """No watch stays open, no task is left, whatever was under way."""
    before = asyncio.all_tasks()
    async with cluster.connect() as api:
        source = ListWatch(CoreV1Api(api).list_namespaced_pod, "shop")
        stream = await source.watch({}, idle_timeout=10)
        assert cluster.open_watches == 1

    assert cluster.open_watches == 0
    stream.close()
    assert asyncio.all_tasks() == before


async def test_requests_tell_what_was_written(cluster: FakeCluster, api: ApiClient) -> None:
    """`requests` has the path, the body and the type of a patch for assertions."""
    cluster.create(config_map("a"))

    await CoreV1Api(api).patch_namespaced_config_map("a", "shop", [])

    (request,) = cluster.requests
    assert request.path == "/api/v1/namespaces/shop/configmaps/a"
    assert (request.verb, request.body, request.media) == (
        "patch",
        [],
        "application/json-patch+json",
    )
    assert request.headers["User-Agent"] == "watchkit"


async def test_clients_know_nothing_of_each_other(cluster: FakeCluster) -> None:
    """Two clients of one cluster have headers and configurations of their own."""
    async with cluster.connect() as one, cluster.connect() as other:
        one.set_default_header("X-One", "1")
        one.configuration.host = "http://elsewhere"

        assert "X-One" not in other.default_headers
        assert other.configuration.host != "http://elsewhere"
        assert (await CoreV1Api(other).list_namespaced_pod("shop")).items == []
