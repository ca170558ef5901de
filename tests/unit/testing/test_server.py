"""FakeApiServer: paths, writes and discovery over HTTP, for any client."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from kubernetes_asyncio import config
from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    AppsV1Api,
    Configuration,
    CoreV1Api,
    V1ConfigMap,
    V1ObjectMeta,
)

from tests.unit.testing.manifests import config_map, pod
from tests.unit.testing.serving import LISTING, got
from watchkit.testing import FakeApiServer, FakeCluster

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: there are sockets."""
    return "asyncio"


@pytest.fixture
async def api(server: FakeApiServer) -> AsyncIterator[ApiClient]:
    """Give a client of kubernetes_asyncio made from the kubeconfig."""
    settings = Configuration()
    await config.load_kube_config(config_file=server.kubeconfig, client_configuration=settings)
    async with ApiClient(settings) as api:
        yield api


async def test_every_path_names_its_resource(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Core and grouped, namespaced and not, in one namespace and in all, list and object."""
    cluster.add_resource("x.io/v1", "shops", "Shop", namespaced=False)
    cluster.create(config_map("a"))
    cluster.create(config_map("b", "other"))
    cluster.create({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "s"}})
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})

    def names(page: Any) -> list[str]:  # noqa: ANN401 - a list body
        return [item["metadata"]["name"] for item in page["items"]]

    assert names(await got(session, LISTING)) == ["a"]
    assert names(await got(session, "/api/v1/configmaps")) == ["b", "a"]
    assert names(await got(session, "/apis/x.io/v1/shops")) == ["s"]
    assert names(await got(session, "/api/v1/namespaces")) == ["shop"]
    assert (await got(session, f"{LISTING}/a"))["kind"] == "ConfigMap"
    assert (await got(session, "/apis/x.io/v1/shops/s"))["kind"] == "Shop"
    assert (await got(session, "/api/v1/namespaces/shop"))["kind"] == "Namespace"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/configmaps/a", 404, "could not find the requested resource"),
        ("/api/v1/namespaces/shop/nodes", 404, "could not find the requested resource"),
        ("/api/v1/namespaces/shop/pods/a/log", 404, "could not find the requested resource"),
        ("/apis/apps/v9/deployments", 404, "could not find the requested resource"),
        ("/apis/none.x.io/v9/deployments", 404, "404 page not found"),
        ("/api/v2/pods", 404, "could not find the requested resource"),
        ("/version/x", 404, "could not find the requested resource"),
        ("/readyz/nothing", 404, "404 page not found"),
        ("/elsewhere", 404, "404 page not found"),
    ],
)
async def test_what_is_no_path(
    session: aiohttp.ClientSession, path: str, status: int, said: str
) -> None:
    """Anything else is a 404 of the kind that the real server gives."""
    async with session.get(path) as answer:
        assert (answer.status, said in await answer.text()) == (status, True)


async def test_methods_without_a_verb(session: aiohttp.ClientSession) -> None:
    """A method that means nothing on a path is a 405."""
    for method, path in (
        ("PUT", LISTING),
        ("DELETE", "/api/v1/configmaps"),
        ("POST", f"{LISTING}/a"),
        ("DELETE", "/api/v1/namespaces"),
    ):
        async with session.request(method, path, json={}) as answer:
            assert (answer.status, b"MethodNotAllowed" in await answer.read()) == (405, True)


async def test_a_client_can_write(cluster: FakeCluster, api: ApiClient) -> None:
    """kubernetes_asyncio creates, reads, replaces, patches and deletes."""
    v1 = CoreV1Api(api)
    wanted = V1ConfigMap(metadata=V1ObjectMeta(name="a", namespace="shop"), data={"k": "a"})

    created = await v1.create_namespaced_config_map("shop", wanted)
    patched = await v1.patch_namespaced_config_map("a", "shop", {"data": {"new": "1"}})
    created.data = {"k": "late"}
    with pytest.raises(ApiException) as conflict:
        await v1.replace_namespaced_config_map("a", "shop", created)
    created.metadata.resource_version = patched.metadata.resource_version
    replaced = await v1.replace_namespaced_config_map("a", "shop", created)
    read = await v1.read_namespaced_config_map("a", "shop")
    deleted = await v1.delete_namespaced_config_map("a", "shop")

    assert patched.data == {"k": "a", "new": "1"}
    assert conflict.value.status == 409
    assert read.data == replaced.data == {"k": "late"}
    assert (deleted.status, deleted.details.uid) == ("Success", created.metadata.uid)
    assert cluster.list("v1", "configmaps") == []


async def test_a_deleted_pod_is_shown(cluster: FakeCluster, api: ApiClient) -> None:
    """Some resources answer DELETE with the object, as their client methods expect."""
    cluster.create(pod("web-0"))

    assert (await CoreV1Api(api).delete_namespaced_pod("web-0", "shop")).metadata.name == "web-0"


async def test_the_path_has_the_last_word_on_the_namespace(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """An object without a namespace is created where the path says."""
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}

    async with session.post(LISTING, json=bare) as answer:
        assert answer.status == 201

    assert cluster.get("v1", "configmaps", "shop/a")


@pytest.mark.parametrize(
    ("media", "body", "status"),
    [
        ("application/merge-patch+json", b'{"data":{"k":"v"}}', 200),
        ("application/strategic-merge-patch+json", b'{"data":{"k":"v"}}', 200),
        ("application/strategic-merge-patch+json", b'{"data":{"k":["v"]}}', 415),
        ("application/strategic-merge-patch+json", b'{"$patch":"replace"}', 415),
        ("application/strategic-merge-patch+json", b'{"data":{"$retainKeys":["k"]}}', 415),
        ("application/json-patch+json", b'[{"op":"add","path":"/data/x","value":"1"}]', 200),
        ("application/json-patch+json", b'[{"op":"test","path":"/data/k","value":"1"}]', 422),
        ("application/json-patch+json", b'{"data":{}}', 400),
        ("text/plain", b"{}", 415),
        ("application/merge-patch+json", b"{", 400),
        ("application/merge-patch+json", b"[]", 400),
    ],
)
async def test_patches_that_are_not_understood_are_refused(
    cluster: FakeCluster, session: aiohttp.ClientSession, media: str, body: bytes, status: int
) -> None:
    """Merge patches, and strategic ones that mean the same, are taken; nothing is guessed."""
    cluster.create(config_map("a"))

    headers = {"Content-Type": media}
    async with session.patch(f"{LISTING}/a", data=body, headers=headers) as answer:
        assert answer.status == status


async def test_discovery_finds_every_resource(cluster: FakeCluster, api: ApiClient) -> None:
    """Groups, versions and resources, with short names, kinds and scopes; custom ones too."""
    cluster.add_resource("x.io/v1alpha1", "shops", "Shop")

    core = {each.name: each for each in (await CoreV1Api(api).get_api_resources()).resources}
    apps = {each.name: each for each in (await AppsV1Api(api).get_api_resources()).resources}

    assert (core["pods"].kind, core["pods"].short_names, core["pods"].namespaced) == (
        "Pod",
        ["po"],
        True,
    )
    assert not core["nodes"].namespaced
    assert apps["deployments"].short_names == ["deploy"]
    assert {"get", "list", "watch"} <= set(core["pods"].verbs)


async def test_discovery_speaks_of_groups(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """/api, /apis, /apis/<group> and /apis/<group>/<version> agree."""
    cluster.add_resource("x.io/v1alpha1", "shops", "Shop")

    groups = {each["name"]: each for each in (await got(session, "/apis"))["groups"]}

    assert (await got(session, "/api"))["versions"] == ["v1"]
    assert (await got(session, "/apis/x.io"))["versions"] == groups["x.io"]["versions"]
    shops, status = (await got(session, "/apis/x.io/v1alpha1"))["resources"]
    assert (shops["name"], shops["kind"]) == ("shops", "Shop")
    assert (status["name"], status["verbs"]) == ("shops/status", ["get", "patch", "update"])
    assert (await got(session, "/version"))["gitVersion"] == "v1.37.1"


async def test_a_cluster_wide_object_has_no_namespace(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Created at a path without a namespace, it is under its name."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}

    async with session.post("/api/v1/nodes", json=node) as answer:
        assert answer.status == 201

    assert cluster.get("v1", "nodes", "n")
