"""Writes over HTTP that no recording holds: wrong bodies, pods with kubelets, dry runs."""

import pytest

from tests.unit.testing.asking import APPLY, MERGE, ask
from tests.unit.testing.manifests import config_map, pod
from watchkit.testing import FakeCluster

SHOPS = "/apis/x.io/v1/namespaces/shop/shops"
MAPS = "/api/v1/namespaces/shop/configmaps"
PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with a custom resource."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop")
    return cluster


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


LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"


def lease(**metadata: str) -> dict[str, object]:
    """Give a Lease."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l", **metadata},
    }


def test_the_renewal_of_a_lease_that_was_deleted(cluster: FakeCluster) -> None:
    """One that names its uid is refused; by its version alone it is created anew."""
    _, held = ask(cluster, "PUT", f"{LEASES}/l", lease())
    cluster.delete("coordination.k8s.io/v1", "leases", "shop/l")
    version = held["metadata"]["resourceVersion"]

    refused = ask(cluster, "PUT", f"{LEASES}/l", held)
    odd = ask(cluster, "PUT", f"{LEASES}/l", lease(resourceVersion="x"))
    status, anew = ask(cluster, "PUT", f"{LEASES}/l", lease(resourceVersion=version))

    assert (refused[0], refused[1]["reason"]) == (409, "Conflict")
    assert "Key: /registry/leases/shop/l," in refused[1]["message"]
    assert (odd[0], odd[1]["message"]) == (500, 'strconv.ParseUint: parsing "x": invalid syntax')
    assert status == 201
    assert anew["metadata"]["uid"] != held["metadata"]["uid"]


def test_a_lease_of_another_uid_is_another_lease(cluster: FakeCluster) -> None:
    """Before it is asked which version of it."""
    ask(cluster, "PUT", f"{LEASES}/l", lease())

    assert ask(cluster, "PUT", f"{LEASES}/l", lease(uid="other"))[0] == 409
    assert ask(cluster, "PUT", f"{LEASES}/l", lease())[0] == 422


@pytest.mark.parametrize(
    ("plural", "stored"), [("services", "services/specs"), ("endpoints", "services/endpoints")]
)
def test_where_the_storage_has_what_is_put(cluster: FakeCluster, plural: str, stored: str) -> None:
    """Not all kinds are there under their plural."""
    body = {"metadata": {"name": "a", "uid": "x"}}

    status, answer = ask(cluster, "PUT", f"/api/v1/namespaces/shop/{plural}/a", body)

    assert (status, f"Key: /registry/{stored}/shop/a," in answer["message"]) == (409, True)


SCALE = {"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": 3}}


@pytest.mark.parametrize(
    ("scale", "status", "said"),
    [
        ({"metadata": {"name": "b"}}, 400, "does not match the name on the URL (a)"),
        ({"metadata": {}}, 400, "name must be provided"),
        ({"kind": "Foo"}, 400, 'Foo in version "v1" cannot be handled as a Scale: no kind "Foo"'),
        ({"apiVersion": "v1"}, 400, 'no kind "Scale" is registered for version "v1"'),
        ({"metadata": {"name": "a", "namespace": "x"}}, 400, "namespace of the provided object"),
        ({"spec": {"replicas": "x"}}, 400, "ScaleSpec.spec.replicas of type int32"),
        ({"spec": "x"}, 400, "Go struct field Scale.spec of type v1.ScaleSpec"),
        ({"metadata": {"name": "a", "uid": "x"}}, 409, "Key: /registry/deployments/shop/a,"),
        ({"spec": {"replicas": -1}}, 422, "must be greater than or equal to 0"),
    ],
)
def test_a_scale_that_is_none(
    cluster: FakeCluster, scale: dict[str, object], status: int, said: str
) -> None:
    """It is of another object, of another kind, or of other types."""
    metadata = {"name": "a", "namespace": "shop"}
    created = cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata})
    path = "/apis/apps/v1/namespaces/shop/deployments/a/scale"

    found, answer = ask(cluster, "PUT", path, {**SCALE, "metadata": {"name": "a"}, **scale})

    assert (found, said in answer["message"]) == (status, True)
    assert cluster.get("apps/v1", "deployments", "shop/a") == created


@pytest.mark.parametrize("scale", [{"kind": "Foo"}, {"spec": {"replicas": "x"}}, [], {"kind": 5}])
def test_a_custom_resources_scale_that_is_none(cluster: FakeCluster, scale: object) -> None:
    """The real server has one sentence for all of that."""
    cluster.add_resource("x.io/v1", "tools", "Tool", scale=(".spec.size", ".status.size"))
    metadata = {"name": "a", "namespace": "shop"}
    cluster.create({"apiVersion": "x.io/v1", "kind": "Tool", "metadata": metadata})

    status, answer = ask(cluster, "PUT", "/apis/x.io/v1/namespaces/shop/tools/a/scale", scale)

    assert (status, "no kind is registered for the type v1.Scale" in answer["message"]) == (
        400,
        True,
    )


NAMESPACES = "/api/v1/namespaces"
NAMED = "kubernetes.io/metadata.name"


def test_a_namespace_has_its_name_as_a_label(cluster: FakeCluster) -> None:
    """Whatever is written, and whoever writes it."""
    metadata = {"name": "n", "labels": {NAMED: "other", "a": "b"}}
    _, made = ask(cluster, "POST", NAMESPACES, {"metadata": metadata})
    _, changed = ask(cluster, "PATCH", f"{NAMESPACES}/n", {"metadata": {"labels": None}}, MERGE)
    by_hand = cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "m"}})

    assert made["metadata"]["labels"] == {NAMED: "n", "a": "b"}
    assert changed["metadata"]["labels"] == {NAMED: "n"}
    assert by_hand["metadata"]["labels"] == {NAMED: "m"}


def test_the_finalizers_of_a_namespace_are_put_to_a_part_of_their_own(cluster: FakeCluster) -> None:
    """It takes a PUT, and nothing else."""
    ask(cluster, "POST", NAMESPACES, {"metadata": {"name": "n"}})
    wanted = {"metadata": {"name": "n"}, "spec": {"finalizers": ["x.io/a"]}}
    path = f"{NAMESPACES}/n/finalize"

    status, answer = ask(cluster, "PUT", path, wanted)

    assert (status, answer["spec"]) == (200, wanted["spec"])
    assert answer["status"] == {"phase": "Active"}
    assert ask(cluster, "PUT", path, {"metadata": {"name": "m"}})[0] == 400
    assert ask(cluster, "PUT", f"{NAMESPACES}/m/finalize", {"metadata": {"name": "m"}})[0] == 404
    for method in ("GET", "PATCH", "DELETE"):
        body = {} if method == "PATCH" else None
        assert ask(cluster, method, path, body, MERGE)[0] == 405
