"""Writes over HTTP that no recording holds: wrong bodies, pods with kubelets, dry runs."""

import json
from typing import Any

import aiohttp
import pytest

from tests.unit.testing.manifests import config_map, pod
from watchkit.testing import FakeCluster, run_virtual

SHOPS = "/apis/x.io/v1/namespaces/shop/shops"
MAPS = "/api/v1/namespaces/shop/configmaps"
PODS = "/api/v1/namespaces/shop/pods"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with a custom resource."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop")
    return cluster


def ask(
    cluster: FakeCluster,
    method: str,
    path: str,
    body: object = None,
    media: str = "application/json",
) -> tuple[int, Any]:
    """Ask in memory; give the status and the JSON of the answer."""

    async def main() -> tuple[int, Any]:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        headers = {"Authorization": "Bearer fake-token"}
        headers |= {"Content-Type": media} if data is not None else {}
        async with cluster.connect() as api:
            session: aiohttp.ClientSession = api.rest_client.pool_manager
            url = f"{api.configuration.host}{path}"
            async with session.request(method, url, data=data, headers=headers) as answer:
                return answer.status, json.loads(await answer.read())

    return run_virtual(main)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (MAPS, [], 400, "couldn't get version/kind"),
        (MAPS, {"kind": "Secret"}, 400, "Secret in version"),
        (MAPS, {"apiVersion": "v2", "kind": "ConfigMap"}, 400, "cannot be handled as a ConfigMap"),
        (SHOPS, {"metadata": {"name": "a"}}, 400, "Object 'Kind' is missing"),
        (SHOPS, {"apiVersion": "x.io/v9", "kind": "Shop"}, 400, "expected API version (x.io/v1)"),
        (SHOPS, {"apiVersion": "x.io/v1", "kind": "Tool"}, 422, "must be Shop"),
        (MAPS, {"metadata": {"name": "a", "labels": {"a": "x" * 64}}}, 422, "more than 63 bytes"),
        (MAPS, {"metadata": {"name": "a", "labels": {"a": "!"}}}, 422, "a valid label must be"),
        (f"{MAPS}?dryRun=Some", {"metadata": {"name": "a"}}, 422, "dryRun: Unsupported value"),
    ],
)
def test_what_cannot_be_created(
    cluster: FakeCluster, path: str, body: object, status: int, said: str
) -> None:
    """Nothing is stored, and the answer says what is wrong."""
    found, answer = ask(cluster, "POST", path, body)

    assert (found, said in answer["message"]) == (status, True)
    assert cluster.version == 95


@pytest.mark.parametrize(
    ("path", "body", "media", "refusal"),
    [
        (f"{MAPS}/a", {"kind": "Secret"}, MERGE, (422, "no kind")),
        (f"{MAPS}/a?fieldManager=m", b"a: [", APPLY, (400, "error decoding YAML")),
        (f"{MAPS}/a?fieldManager=m", b"just text", APPLY, (400, "error decoding YAML")),
        (
            f"{SHOPS}/none/status?fieldManager=m",
            {"apiVersion": "x.io/v1", "kind": "Shop"},
            APPLY,
            (404, "not found"),
        ),
    ],
)
def test_what_cannot_be_patched(
    cluster: FakeCluster, path: str, body: object, media: str, refusal: tuple[int, str]
) -> None:
    """The object stays as it was."""
    created = cluster.create(config_map("a"))

    found, answer = ask(cluster, "PATCH", path, body, media)

    assert (found, refusal[1] in answer["message"]) == (refusal[0], True)
    assert cluster.get("v1", "configmaps", "shop/a") == created


def test_yaml_is_read_where_it_is_allowed(cluster: FakeCluster) -> None:
    """In creations as in applies."""
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n"

    assert ask(cluster, "POST", MAPS, body, "application/yaml")[0] == 201
    assert cluster.get("v1", "configmaps", "shop/a")["data"] == {"k": "v"}


def test_a_pod_on_a_node_waits_for_its_kubelet(cluster: FakeCluster) -> None:
    """It is marked, with the grace that its spec gives; forced, or ended, it goes at once."""
    manifest = pod("a", node="n")
    manifest["spec"]["terminationGracePeriodSeconds"] = 7
    cluster.create(manifest)
    ended = pod("b", node="n") | {"status": {"phase": "Succeeded"}}
    cluster.create(ended)

    _, marked = ask(cluster, "DELETE", f"{PODS}/a")
    _, gone = ask(cluster, "DELETE", f"{PODS}/b")

    assert marked["metadata"]["deletionGracePeriodSeconds"] == 7
    assert gone["metadata"]["deletionGracePeriodSeconds"] == 0
    assert [each["metadata"]["name"] for each in cluster.list("v1", "pods")] == ["a"]
    assert (
        ask(cluster, "DELETE", f"{PODS}/a?gracePeriodSeconds=-5")[1]["metadata"][
            "deletionGracePeriodSeconds"
        ]
        == 1
    )
    ask(cluster, "DELETE", f"{PODS}/a?gracePeriodSeconds=0")
    assert cluster.list("v1", "pods") == []


def test_the_hand_of_a_test_waits_for_no_kubelet(cluster: FakeCluster) -> None:
    """What the cluster itself is told to delete goes at once, in one event."""
    cluster.create(pod("a", node="n"))
    version = cluster.version

    cluster.delete("v1", "pods", "shop/a")

    assert cluster.list("v1", "pods") == []
    assert cluster.version == version + 1


@pytest.mark.parametrize(
    ("query", "finalizers"),
    [
        ("propagationPolicy=Foreground", ["x.io/f", "foregroundDeletion"]),
        ("propagationPolicy=Orphan", ["x.io/f", "orphan"]),
        ("orphanDependents=true", ["x.io/f", "orphan"]),
        ("orphanDependents=false", ["x.io/f"]),
        ("propagationPolicy=Background", ["x.io/f"]),
        ("", ["x.io/f", "foregroundDeletion"]),
    ],
)
def test_a_policy_is_a_finalizer(cluster: FakeCluster, query: str, finalizers: list[str]) -> None:
    """Of a garbage collector, of which there is none; without one, what was there stays."""
    manifest = config_map("a")
    manifest["metadata"]["finalizers"] = ["x.io/f", "foregroundDeletion"]
    cluster.create(manifest)

    _, marked = ask(cluster, "DELETE", f"{MAPS}/a?{query}")

    assert marked["metadata"]["finalizers"] == finalizers


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", MAPS, {"metadata": {"name": "b"}}),
        ("PUT", f"{MAPS}/a", {"metadata": {"name": "a"}, "data": {"k": "dry"}}),
        ("PATCH", f"{MAPS}/a", {"data": {"k": "dry"}}),
        ("DELETE", f"{MAPS}/a", None),
        ("DELETE", MAPS, None),
    ],
)
def test_a_dry_run_changes_nothing(
    cluster: FakeCluster, method: str, path: str, body: object
) -> None:
    """The answer is that of the real thing; the store and its version are as before."""
    created = cluster.create(config_map("a"))
    media = MERGE if method == "PATCH" else "application/json"

    status, _ = ask(cluster, method, f"{path}?dryRun=All", body, media)

    assert status in {200, 201}
    assert cluster.list("v1", "configmaps") == [created]
    assert cluster.version == int(created["metadata"]["resourceVersion"])


def test_a_deleted_collection_is_what_was_selected(cluster: FakeCluster) -> None:
    """By labels and within the namespace; the answer lists what went."""
    for name, namespace in (("a", "shop"), ("b", "shop"), ("c", "other")):
        cluster.create(config_map(name, namespace, app=name))

    _, listed = ask(cluster, "DELETE", f"{MAPS}?labelSelector=app%20in%20(a,c)")

    assert [item["metadata"]["name"] for item in listed["items"]] == ["a"]
    left = [each["metadata"]["name"] for each in cluster.list("v1", "configmaps")]
    assert left == ["c", "b"]


def test_a_custom_resource_without_a_status_of_its_own(cluster: FakeCluster) -> None:
    """Then the status is a field like others, and counts as a generation."""
    cluster.add_resource("x.io/v1", "tools", "Tool", status=False)
    tool = {"apiVersion": "x.io/v1", "kind": "Tool", "metadata": {"name": "t"}, "status": {"a": 1}}
    path = "/apis/x.io/v1/namespaces/shop/tools"

    _, made = ask(cluster, "POST", path, tool)
    _, changed = ask(cluster, "PATCH", f"{path}/t", {"status": {"a": 2}}, MERGE)

    assert made["status"] == {"a": 1}
    assert (changed["status"], changed["metadata"]["generation"]) == ({"a": 2}, 2)
    assert ask(cluster, "GET", f"{path}/t/status")[0] == 404


def test_the_hand_of_a_test_writes_a_status_along(cluster: FakeCluster) -> None:
    """A client's write to the object leaves the status, one to the status leaves the object."""
    shop = {
        "apiVersion": "x.io/v1",
        "kind": "Shop",
        "metadata": {"name": "s", "namespace": "shop"},
        "spec": {"size": 1},
        "status": {"size": 1},
    }
    assert cluster.create(shop)["status"] == {"size": 1}

    _, main = ask(cluster, "PATCH", f"{SHOPS}/s", {"spec": {"size": 2}, "status": {}}, MERGE)
    both = {"spec": {"size": 9}, "status": {"size": 2}}
    _, part = ask(cluster, "PATCH", f"{SHOPS}/s/status", both, MERGE)

    assert (main["spec"], main["status"]) == ({"size": 2}, {"size": 1})
    assert (part["spec"], part["status"]) == ({"size": 2}, {"size": 2})
    assert part["metadata"]["generation"] == 2
