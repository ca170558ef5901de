"""FakeApiServer: paths, encodings, tokens, writes and discovery over HTTP, and a quick goodbye."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anyio
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
from watchkit.testing import Disconnect, FakeApiServer, FakeCluster, Refuse, Stall, Throttle

pytestmark = pytest.mark.anyio

LISTING = "/api/v1/namespaces/shop/configmaps"
STREAMED = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=1"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: there are sockets."""
    return "asyncio"


@pytest.fixture
async def server(cluster: FakeCluster) -> AsyncIterator[FakeApiServer]:
    """Give a server."""
    async with FakeApiServer(cluster) as server:
        yield server


@pytest.fixture
async def session(server: FakeApiServer) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session that is let in, and decodes nothing by itself."""
    async with aiohttp.ClientSession(
        server.url, auto_decompress=False, headers={"Authorization": f"Bearer {server.token}"}
    ) as session:
        yield session


@pytest.fixture
async def api(server: FakeApiServer) -> AsyncIterator[ApiClient]:
    """Give a client of kubernetes_asyncio made from the kubeconfig."""
    settings = Configuration()
    await config.load_kube_config(config_file=server.kubeconfig, client_configuration=settings)
    async with ApiClient(settings) as api:
        yield api


async def healthy(server: FakeApiServer) -> bool:
    """Whether a stranger is told that all is well."""
    async with (
        aiohttp.ClientSession(server.url) as stranger,
        stranger.get("/readyz") as answer,
    ):
        return (answer.status, await answer.text()) == (200, "ok")


async def got(session: aiohttp.ClientSession, path: str) -> Any:  # noqa: ANN401 - any JSON
    """Get a path and give its JSON."""
    async with session.get(path, headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.status == 200
        return json.loads(await answer.read())


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
        ("/apis/apps/v9/deployments", 404, "404 page not found"),
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
    for method, path in (("PUT", LISTING), ("DELETE", LISTING), ("POST", f"{LISTING}/a")):
        async with session.request(method, path, json={}) as answer:
            assert (answer.status, b"MethodNotAllowed" in await answer.read()) == (405, True)


async def test_only_the_token_is_let_in(
    cluster: FakeCluster, server: FakeApiServer, session: aiohttp.ClientSession
) -> None:
    """A rotated token shuts the old one out; health and version are open to all."""
    assert (await got(session, LISTING))["items"] == []

    server.token = "another"

    async with session.get(LISTING) as answer:
        assert answer.status == 401
    async with session.get("/apis") as answer:
        assert answer.status == 401
    assert await healthy(server)
    async with (
        aiohttp.ClientSession(server.url) as stranger,
        stranger.get("/apis") as answer,
    ):
        assert answer.status == 403
    written = json.loads(await anyio.Path(server.kubeconfig).read_bytes())
    assert written["users"][0]["user"] == {"token": "another"}
    assert [each.verb for each in cluster.requests] == ["list", "list"]


async def test_large_lists_are_gzipped_for_those_who_take_it(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """From 128 KiB on, and only where the client says so."""
    cluster.create(config_map("small"))
    cluster.create(config_map("large") | {"data": {"k": "v" * 200_000}})

    async def coding(query: str, accepted: str) -> tuple[str | None, int]:
        async with session.get(
            f"{LISTING}?{query}", headers={"Accept-Encoding": accepted}
        ) as answer:
            body = await answer.read()
            said = answer.headers.get("Content-Encoding")
            return said, len(gzip.decompress(body) if said else body)

    large, small = "fieldSelector=metadata.name=large", "fieldSelector=metadata.name=small"
    assert (await coding(large, "gzip, deflate"))[0] == "gzip"
    assert (await coding(large, "identity"))[0] is None
    assert (await coding(small, "gzip"))[0] is None
    assert (await coding(large, "gzip"))[1] == (await coding(large, "identity"))[1] > 200_000


@pytest.mark.parametrize(
    ("query", "coding"),
    [
        (STREAMED, "gzip"),
        ("watch=1&allowWatchBookmarks=true", "gzip"),
        ("watch=1&allowWatchBookmarks=true&resourceVersion=0", "gzip"),
        ("watch=1", None),
        ("watch=1&allowWatchBookmarks=true&resourceVersion=95", None),
    ],
)
async def test_watches_are_gzipped_as_by_a_real_server(
    session: aiohttp.ClientSession, query: str, coding: str | None
) -> None:
    """Those that begin with the current objects, where the client takes it; never others."""
    for accepted, wanted in (("gzip", coding), ("identity", None)):
        headers = {"Accept-Encoding": accepted}
        async with session.get(f"{LISTING}?{query}&timeoutSeconds=1", headers=headers) as answer:
            assert answer.headers.get("Content-Encoding") == wanted


async def test_a_gzipped_watch_is_one_member_a_flush(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """The initial events are the first member, every later event its own: many clients trip."""
    cluster.create(config_map("a"))
    cluster.create(config_map("b"))
    members: list[list[str]] = []

    headers = {"Accept-Encoding": "gzip"}
    async with session.get(f"{LISTING}?{STREAMED}&timeoutSeconds=1", headers=headers) as answer:
        cluster.delete("v1", "configmaps", "shop/a")
        cluster.create(config_map("c"))
        rest = await answer.read()
    while rest:
        member = zlib.decompressobj(wbits=31)
        lines = member.decompress(rest).splitlines()
        members.append([json.loads(line)["type"] for line in lines])
        rest = member.unused_data

    assert members == [["ADDED", "ADDED", "BOOKMARK"], ["DELETED"], ["ADDED"]]


async def test_formats_are_negotiated(cluster: FakeCluster, session: aiohttp.ClientSession) -> None:
    """The first accepted type that is known is given; JSON where anything will do."""
    cluster.create(config_map("a"))

    async def kind(accept: str) -> str:
        async with session.get(LISTING, headers={"Accept": accept}) as answer:
            return str(json.loads(await answer.read())["kind"])

    partial = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    assert await kind("*/*") == "ConfigMapList"
    assert await kind("application/vnd.kubernetes.protobuf, application/json") == "ConfigMapList"
    assert await kind(f"{table},application/json") == "ConfigMapList"
    assert await kind(f"{partial},application/json") == "PartialObjectMetadataList"
    assert await kind("application/vnd.kubernetes.protobuf") == "Status"


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
        ("application/json-patch+json", b"[]", 415),
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
    (shops,) = (await got(session, "/apis/x.io/v1alpha1"))["resources"]
    assert (shops["name"], shops["kind"]) == ("shops", "Shop")
    assert (await got(session, "/version"))["gitVersion"] == "v1.37.1"


async def test_headers_are_written_down(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """A test can ask which headers a client sent; no repr shows them."""
    async with session.get(LISTING, headers={"Accept-Encoding": "identity"}):
        pass

    (request,) = cluster.requests
    assert request.headers["accept-encoding"] == "identity"
    assert "Bearer" not in repr(request)


async def test_a_reset_is_a_reset(cluster: FakeCluster, session: aiohttp.ClientSession) -> None:
    """A connection that is reset says so (RST, not FIN), before an answer and within one."""
    cluster.inject(Refuse(), times=None, on="list")
    cluster.inject(Disconnect())

    with pytest.raises(aiohttp.ClientOSError):
        await session.get(LISTING)
    async with session.get(f"{LISTING}?watch=1") as answer:
        with pytest.raises(aiohttp.ClientPayloadError, match="reset"):
            await answer.read()


async def test_a_broken_chunk_is_not_a_status(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Within a chunk the end of the connection is the end of the payload's luck."""
    cluster.inject(Disconnect(how="eof"))

    async with session.get(f"{LISTING}?watch=1") as answer:
        with pytest.raises(aiohttp.ClientPayloadError, match="not completed"):
            await answer.read()


async def test_a_server_that_is_down_refuses(
    cluster: FakeCluster, server: FakeApiServer, session: aiohttp.ClientSession
) -> None:
    """Open watches are cut, new connections refused, and it comes back at the same address."""
    url = server.url
    async with session.get(f"{LISTING}?watch=1") as watch, server.down():
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(LISTING)
        with pytest.raises(aiohttp.ClientPayloadError):
            await watch.read()

    assert server.url == url
    assert (await got(session, LISTING))["kind"] == "ConfigMapList"
    assert cluster.open_watches == 0


async def test_a_client_that_leaves_is_forgotten(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """A watch whose client has gone does not stay open on the server."""
    async with session.get(f"{LISTING}?watch=1") as watch:
        assert cluster.open_watches == 1
        watch.close()
        with anyio.fail_after(2):
            while cluster.open_watches:  # noqa: ASYNC110 - a server tells nobody
                await anyio.sleep(0.01)


async def test_leaving_is_quick_and_complete(cluster: FakeCluster) -> None:
    """With watches open and lists stalled, all is over within a second: no task, no file."""
    before = asyncio.all_tasks()
    cluster.inject(Stall(at="head"), on="list")
    server = FakeApiServer(cluster)
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {server.token}"}
    ) as session:
        async with server:
            kubeconfig = anyio.Path(server.kubeconfig)
            watches = [await session.get(f"{server.url}{LISTING}?watch=1") for _ in range(3)]
            stalled = asyncio.ensure_future(session.get(f"{server.url}{LISTING}"))  # noqa: TID251
            await anyio.sleep(0.05)
            began = anyio.current_time()
        took = anyio.current_time() - began

        assert [await watch.read() for watch in watches] == [b"", b"", b""]
        with pytest.raises(aiohttp.ClientError):
            await stalled
    assert took < 1
    assert (cluster.open_watches, await kubeconfig.exists()) == (0, False)
    assert asyncio.all_tasks() == before


async def test_a_server_can_be_entered_again(cluster: FakeCluster) -> None:
    """One server object may be started several times, one after the other."""
    server = FakeApiServer(cluster, token="t")
    for _ in range(2):
        async with server:
            assert await healthy(server)
    assert repr(server).startswith("<FakeApiServer http://127.0.0.1:")


async def test_it_starts_in_milliseconds(cluster: FakeCluster) -> None:
    """From nothing to the first answered request it takes no time worth mentioning."""
    began = anyio.current_time()
    async with FakeApiServer(cluster) as server:
        assert await healthy(server)
        took = anyio.current_time() - began

    assert took < 0.5


async def test_writes_can_be_struck(cluster: FakeCluster, session: aiohttp.ClientSession) -> None:
    """on="write" is every verb that changes something, and the write is not done then."""
    fault = cluster.inject(Throttle(), on="write", times=2)

    assert (await got(session, LISTING))["items"] == []
    for method, path in (("POST", LISTING), ("DELETE", f"{LISTING}/a")):
        async with session.request(method, path, json=config_map("a")) as answer:
            assert answer.status == 429
    assert (fault.fired, cluster.list("v1", "configmaps")) == (2, [])


async def test_a_cluster_wide_object_has_no_namespace(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Created at a path without a namespace, it is under its name."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}

    async with session.post("/api/v1/nodes", json=node) as answer:
        assert answer.status == 201

    assert cluster.get("v1", "nodes", "n")


async def test_counted_faults_strike_over_http(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """What is injected into the cluster happens on the wire, headers included."""
    cluster.inject(Throttle(3))

    async with session.get(LISTING) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    assert (await got(session, LISTING))["kind"] == "ConfigMapList"
