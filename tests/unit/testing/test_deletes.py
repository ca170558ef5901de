"""What a DELETE may ask for: its options read and checked before anything goes."""

from typing import Any

import pytest

from tests.unit.testing.asking import ask
from tests.unit.testing.manifests import config_map, pod
from watchkit.testing import FakeCluster

MAPS = "/api/v1/namespaces/shop/configmaps"
PODS = "/api/v1/namespaces/shop/pods"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ([], 400, "couldn't get version/kind; json parse error: json: cannot unmarshal array"),
        ({"kind": 5}, 400, "cannot unmarshal number into Go struct field .kind of type string"),
        ({"kind": "Pod", "apiVersion": "v1"}, 400, 'no kind "Pod" is registered for version "v1"'),
        ({"kind": "Pod"}, 400, 'no kind "Pod" is registered for version "meta.k8s.io/v1"'),
        ({"propagationPolicy": []}, 400, "of type v1.DeletionPropagation"),
        ({"gracePeriodSeconds": "abc"}, 400, "DeleteOptions.gracePeriodSeconds of type int64"),
        ({"gracePeriodSeconds": 1.5}, 400, "cannot unmarshal number 1.5 into"),
        ({"dryRun": "All"}, 400, "DeleteOptions.dryRun of type []string"),
        ({"preconditions": {"uid": 5}}, 400, "Preconditions.preconditions.uid of type types.UID"),
        ({"orphanDependents": 1}, 400, "DeleteOptions.orphanDependents of type bool"),
        ({"dryRun": ["Some"]}, 422, 'dryRun: Unsupported value: ["Some"]'),
        ({"propagationPolicy": "", "dryRun": ["Some"]}, 422, "[propagationPolicy: Unsupported"),
    ],
)
@pytest.mark.parametrize("path", [f"{MAPS}/a", f"{MAPS}/none", MAPS])
def test_options_that_are_none_delete_nothing(
    path: str, body: object, status: int, said: str
) -> None:
    """Neither one nor many; they are read before the object is looked for."""
    cluster = FakeCluster()
    cluster.create(config_map("a"))

    found, answer = ask(cluster, "DELETE", path, body)

    assert (found, said in answer["message"]) == (status, True)
    assert len(cluster.list("v1", "configmaps")) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("gracePeriodSeconds=abc", 400),
        ("gracePeriodSeconds=", 400),
        ("propagationPolicy=", 422),
        ("uid=other", 409),
        ("resourceVersion=1", 409),
        ("gracePeriodSeconds=-1", 200),
        ("orphanDependents=x", 200),
    ],
)
def test_options_in_the_query(query: str, status: int) -> None:
    """They are read where there is no body, preconditions too."""
    cluster = FakeCluster()
    cluster.create(config_map("a"))

    assert ask(cluster, "DELETE", f"{MAPS}/a?{query}")[0] == status


def test_a_body_takes_the_place_of_the_query() -> None:
    """Even an empty one."""
    cluster = FakeCluster()
    cluster.create(config_map("a"))

    assert ask(cluster, "DELETE", f"{MAPS}/a?gracePeriodSeconds=abc", {})[0] == 200


def test_a_pods_grace_is_a_number() -> None:
    """Whatever else is said of it."""
    cluster = FakeCluster()
    cluster.create(pod("a", node="n"))

    assert ask(cluster, "DELETE", f"{PODS}/a", {"gracePeriodSeconds": "abc"})[0] == 400


@pytest.mark.parametrize(
    ("first", "second", "finalizers"),
    [
        ("Background", "Foreground", ["x.io/a", "foregroundDeletion"]),
        ("Foreground", "Orphan", ["x.io/a", "orphan"]),
        ("Foreground", "Background", ["x.io/a"]),
        ("Orphan", "Orphan", ["x.io/a", "orphan"]),
    ],
)
def test_a_second_delete_may_have_another_policy(
    first: str, second: str, finalizers: list[str]
) -> None:
    """Its finalizer takes the place of that of the first; a change is a version."""
    cluster = FakeCluster()
    manifest = config_map("a")
    manifest["metadata"]["finalizers"] = ["x.io/a"]
    cluster.create(manifest)

    _, before = ask(cluster, "DELETE", f"{MAPS}/a", {"propagationPolicy": first})
    _, after = ask(cluster, "DELETE", f"{MAPS}/a", {"propagationPolicy": second})

    def fixed(answer: dict[str, Any]) -> dict[str, Any]:
        changing = {"finalizers", "resourceVersion"}
        return {name: said for name, said in answer["metadata"].items() if name not in changing}

    assert after["metadata"]["finalizers"] == finalizers
    assert fixed(after) == fixed(before)
    assert cluster.version == 97 + (first != second)


def test_a_pod_without_grace_may_get_another_policy_too() -> None:
    """While a finalizer holds it."""
    cluster = FakeCluster()
    manifest = pod("a", node="n")
    manifest["metadata"]["finalizers"] = ["x.io/a"]
    cluster.create(manifest)

    ask(cluster, "DELETE", f"{PODS}/a", {"gracePeriodSeconds": 0})
    _, after = ask(cluster, "DELETE", f"{PODS}/a", {"propagationPolicy": "Orphan"})

    assert after["metadata"]["finalizers"] == ["x.io/a", "orphan"]


def _left(cluster: FakeCluster) -> str:
    return "".join(each["metadata"]["name"] for each in cluster.list("v1", "configmaps"))


@pytest.mark.parametrize(
    ("query", "left"),
    [("limit=2", "cde"), ("limit=2&labelSelector=app%20in%20(b,c,d)", "ade"), ("limit=-1", "")],
)
def test_a_collection_is_deleted_page_by_page(query: str, left: str) -> None:
    """As many go as were listed, and the answer says where the rest begins."""
    cluster = FakeCluster()
    for name in "abcde":
        cluster.create(config_map(name, app=name))

    _, listed = ask(cluster, "DELETE", f"{MAPS}?{query}")

    assert len(listed["items"]) == 5 - len(left)
    assert bool(listed["metadata"].get("continue")) is bool(left)
    assert _left(cluster) == left


def test_the_next_page_of_a_collection_is_deleted() -> None:
    """From where its token says."""
    cluster = FakeCluster()
    for name in "abcde":
        cluster.create(config_map(name))
    _, listed = ask(cluster, "GET", f"{MAPS}?limit=2")

    ask(cluster, "DELETE", f"{MAPS}?limit=1&continue={listed['metadata']['continue']}")

    assert _left(cluster) == "abde"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=x", 400),
        ("resourceVersion=x", 400),
        ("resourceVersion=99999", 504),
        ("resourceVersion=0", 409),
        ("resourceVersionMatch=Exact", 422),
        ("sendInitialEvents=true", 422),
        ("continue=x", 400),
        ("resourceVersion=95", 200),
    ],
)
def test_a_collection_is_deleted_as_it_would_be_listed(query: str, status: int) -> None:
    """A list that is refused deletes nothing; one at a version is of what was there then."""
    cluster = FakeCluster()
    cluster.create(config_map("a"))

    assert ask(cluster, "DELETE", f"{MAPS}?{query}")[0] == status
    assert _left(cluster) == "a"


def test_what_is_gone_since_the_version_of_a_collection_is_passed_over() -> None:
    """It need not be deleted once more."""
    cluster = FakeCluster()
    version = cluster.create(config_map("a"))["metadata"]["resourceVersion"]
    cluster.delete("v1", "configmaps", "shop/a")

    status, listed = ask(cluster, "DELETE", f"{MAPS}?resourceVersion={version}")

    assert (status, len(listed["items"])) == (200, 1)
