"""Metadata that no server stores: names, keys, owners and finalizers that are none."""

from typing import Any

import pytest

from tests.unit.testing.asking import MERGE, ask
from tests.unit.testing.manifests import config_map
from watchkit.testing import FakeCluster

MAPS = "/api/v1/namespaces/shop/configmaps"
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u"}


@pytest.mark.parametrize(
    ("path", "name", "said"),
    [
        (MAPS, "a" * 254, "must be no more than 253 characters"),
        (MAPS, "a" * 253, ""),
        (MAPS, "A", "a lowercase RFC 1123 subdomain"),
        (MAPS, "a.b", ""),
        ("/api/v1/namespaces", "a.b", "must not contain dots"),
        ("/api/v1/namespaces", "A", "a lowercase RFC 1123 label"),
        ("/api/v1/namespaces", "a" * 64, "must be no more than 63 characters"),
        ("/api/v1/namespaces/shop/services", "a.b", "must not contain dots"),
        ("/apis/apps/v1/namespaces/shop/statefulsets", "a" * 64, "no more than 63 characters"),
        ("/apis/batch/v1/namespaces/shop/cronjobs", "a" * 53, "no more than 52 characters"),
        ("/apis/policy/v1/namespaces/shop/poddisruptionbudgets", "A_b", ""),
        ("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles", "a:b", ""),
        ("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles", "..", "may not be '..'"),
        ("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles", "a/b", "not contain '/'"),
    ],
)
def test_a_name_is_what_its_kind_allows(path: str, name: str, said: str) -> None:
    """A subdomain, for some a label of one, for a few any segment of a path."""
    status, answer = ask(FakeCluster(), "POST", path, {"metadata": {"name": name}})

    assert status == (422 if said else 201)
    assert said in answer.get("message", "")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("a b", "name part must consist of"),
        ("/a", "prefix part must be non-empty"),
        ("x.io/", "name part must be non-empty"),
        ("a/b/c", "a valid label key must consist of"),
        ("-a", "name part must consist of"),
        ("a" * 64, "name part must be no more than 63 bytes"),
        ("b" * 254 + "/a", "prefix part must be no more than 253 bytes"),
        ("x.io/a", ""),
        ("A_.b", ""),
    ],
)
@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_keys_are_qualified_names(where: str, key: str, said: str) -> None:
    """Of labels as of annotations, by POST as by PATCH."""
    cluster = FakeCluster()
    cluster.create(config_map("b"))
    metadata = {where: {key: "c"}}

    status, answer = ask(cluster, "POST", MAPS, {"metadata": {"name": "a", **metadata}})
    patched, _ = ask(cluster, "PATCH", f"{MAPS}/b", {"metadata": metadata}, MERGE)

    assert (status, patched) == ((422, 422) if said else (201, 200))
    assert said in answer.get("message", "")


@pytest.mark.parametrize(
    ("metadata", "fields"),
    [
        ({"annotations": {"A.io/b": "c"}}, []),
        ({"labels": {"A.io/b": "c"}}, ["labels"]),
        ({"annotations": {"a": "x" * 262143}}, []),
        ({"annotations": {"a": "x" * 262144}}, ["annotations"]),
        ({"generateName": "a b"}, ["generateName"]),
        ({"generateName": "a-"}, []),
        ({"ownerReferences": [OWNER, OWNER]}, []),
        ({"ownerReferences": [{}]}, [f"ownerReferences[0].{name}" for name in OWNER]),
        ({"ownerReferences": [None]}, [f"ownerReferences[0].{name}" for name in OWNER]),
        ({"ownerReferences": [OWNER | {"uid": ""}]}, ["ownerReferences[0].uid"]),
        ({"ownerReferences": [OWNER | {"apiVersion": "a/b/c"}]}, ["ownerReferences[0].apiVersion"]),
        ({"ownerReferences": [OWNER | {"kind": "Event"}]}, ["ownerReferences[0]"]),
        (
            {"ownerReferences": [OWNER | {"uid": uid, "controller": True} for uid in "uv"]},
            ["ownerReferences"],
        ),
        ({"finalizers": ["x.io/a b"]}, ["finalizers"]),
        ({"finalizers": ["nobody"]}, ["finalizers[0]"]),
        ({"finalizers": ["orphan", "foregroundDeletion"]}, ["finalizers"]),
        ({"finalizers": ["x.io/a", "kubernetes"]}, []),
        ({"labels": {"a b": "-"}, "finalizers": ["a"]}, ["labels", "labels", "finalizers[0]"]),
    ],
)
def test_every_fault_is_named(metadata: dict[str, Any], fields: list[str]) -> None:
    """All in one answer, each with the field that it is in."""
    status, answer = ask(FakeCluster(), "POST", MAPS, {"metadata": {"name": "a", **metadata}})

    assert status == (422 if fields else 201)
    causes = answer.get("details", {}).get("causes", [])
    assert [cause["field"] for cause in causes] == [f"metadata.{field}" for field in fields]


def test_an_owner_is_kept_once() -> None:
    """However often it is named."""
    metadata = {"name": "a", "ownerReferences": [OWNER, OWNER, OWNER | {"uid": "v"}]}

    _, made = ask(FakeCluster(), "POST", MAPS, {"metadata": metadata})

    assert [owner["uid"] for owner in made["metadata"]["ownerReferences"]] == ["u", "v"]


def test_a_custom_resource_may_have_finalizers_without_a_domain() -> None:
    """Of which the real server only warns; a name they have to be."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop")
    path = "/apis/x.io/v1/namespaces/shop/shops"

    def made(name: str, finalizer: str) -> int:
        metadata = {"name": name, "finalizers": [finalizer]}
        body = {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": metadata}
        return ask(cluster, "POST", path, body)[0]

    assert (made("a", "nobody"), made("b", "no body")) == (201, 422)


def test_the_faults_of_an_update_of_a_custom_resource_are_found_three_times() -> None:
    """As the real server lists them; a finalizer is looked at once."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop")
    metadata = {"name": "a", "namespace": "shop"}
    cluster.create({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": metadata})
    wrong = {"metadata": {"labels": {"a b": "c"}, "finalizers": ["x y"]}}

    _, answer = ask(cluster, "PATCH", "/apis/x.io/v1/namespaces/shop/shops/a", wrong, MERGE)

    found = [cause["field"].rpartition(".")[2] for cause in answer["details"]["causes"]]
    assert found == ["labels", "finalizers", "labels", "labels"]
