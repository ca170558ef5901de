"""Values of another type than their field's: refused, in the words of Go's decoder."""

from typing import Any

import pytest

from tests.unit.testing.asking import APPLY, MERGE, ask
from tests.unit.testing.manifests import config_map
from watchkit.core.errors import InvalidRequest
from watchkit.testing import FakeCluster

MAPS = "/api/v1/namespaces/shop/configmaps"
SHOPS = "/apis/x.io/v1/namespaces/shop/shops"


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with a custom resource."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop")
    return cluster


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": 5}, "number into Go struct field ObjectMeta.metadata.name of type string"),
    ({"generateName": 5}, "ObjectMeta.metadata.generateName of type string"),
    ({"uid": {}}, "object into Go struct field ObjectMeta.metadata.uid of type types.UID"),
    ({"generation": 1.5}, "number 1.5 into Go struct field ObjectMeta.metadata.generation"),
    (
        {"generation": True},
        "bool into Go struct field ObjectMeta.metadata.generation of type int64",
    ),
    ({"creationTimestamp": "x"}, 'cannot parse "x" as "2006"'),
    ({"labels": "x"}, "string into Go struct field ObjectMeta.metadata.labels of type map"),
    ({"labels": {"a": 1}}, "number into Go struct field ObjectMeta.metadata.labels of type string"),
    ({"annotations": {"a": 1}}, "ObjectMeta.metadata.annotations of type string"),
    ({"finalizers": [1]}, "number into Go struct field ObjectMeta.metadata.finalizers of type str"),
    ({"ownerReferences": "x"}, "ObjectMeta.metadata.ownerReferences of type []v1.OwnerReference"),
    ({"ownerReferences": [{"uid": 5}]}, "OwnerReference.metadata.ownerReferences.uid of type"),
    ({"managedFields": [1]}, "ObjectMeta.metadata.managedFields of type v1.ManagedFieldsEntry"),
]


@pytest.mark.parametrize(("metadata", "said"), WRONG)
def test_metadata_of_other_types_is_a_bad_request(
    cluster: FakeCluster, metadata: dict[str, Any], said: str
) -> None:
    """Whoever creates or replaces it; a custom resource's fields are named without the object."""
    known = {"name": "a"} | metadata
    created = ask(cluster, "POST", MAPS, {"metadata": known})
    replaced = ask(cluster, "PUT", f"{MAPS}/a", {"metadata": known})
    custom = {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": known}
    shop = ask(cluster, "POST", SHOPS, custom)

    for status, answer in (created, replaced):
        assert (status, answer["reason"]) == (400, "BadRequest")
        assert answer["message"].startswith('ConfigMap in version "v1" cannot be handled as a Con')
        assert said in answer["message"]
    assert (shop[0], said.replace(".metadata.", ".") in shop[1]["message"]) == (400, True)
    assert cluster.version == 95


@pytest.mark.parametrize(("metadata", "_"), WRONG)
def test_metadata_that_cannot_be_typed_cannot_be_applied(
    cluster: FakeCluster, metadata: dict[str, Any], _: str
) -> None:
    """The real server calls that its own fault."""
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"} | metadata}
    status, answer = ask(cluster, "PATCH", f"{MAPS}/a?fieldManager=m", applied, APPLY)

    assert status == 500
    assert answer["message"].startswith("failed to create typed patch object (/")
    assert cluster.version == 95


def test_a_patch_that_makes_something_else_of_metadata_is_invalid(cluster: FakeCluster) -> None:
    """The object stays as it was."""
    created = cluster.create(config_map("a"))

    status, answer = ask(cluster, "PATCH", f"{MAPS}/a", {"metadata": {"labels": ["x"]}}, MERGE)

    assert (status, answer["details"]["causes"][0]["field"]) == (422, "patch")
    assert cluster.get("v1", "configmaps", "shop/a") == created


def test_nulls_are_the_empty_value_of_their_type(cluster: FakeCluster) -> None:
    """A label that is null is an empty one, a finalizer that is null no name."""
    _, made = ask(cluster, "POST", MAPS, {"metadata": {"name": "a", "labels": {"x": None}}})
    status, _ = ask(cluster, "POST", MAPS, {"metadata": {"name": "b", "finalizers": [None]}})

    assert made["metadata"]["labels"] == {"x": ""}
    assert status == 422


def test_the_hand_of_a_test_is_told_too(cluster: FakeCluster) -> None:
    """Nothing that is no Kubernetes object is ever stored."""
    manifest = config_map("a")
    manifest["metadata"]["labels"] = "x"

    with pytest.raises(InvalidRequest, match="cannot unmarshal string"):
        cluster.create(manifest)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (MAPS, {"kind": 5}, "json: cannot unmarshal number into Go struct field .kind of type str"),
        (MAPS, "x", "json: cannot unmarshal string into Go value of type struct"),
        (
            MAPS,
            {"metadata": {"name": "a"}, "data": "x"},
            "ConfigMap.data of type map[string]string",
        ),
        (MAPS, {"metadata": {"name": "a"}, "data": {"a": 1}}, "ConfigMap.data of type string"),
        (MAPS, {"metadata": {"name": "a"}, "binaryData": {"a": 1}}, "binaryData of type []uint8"),
        (MAPS, {"metadata": 5}, "into Go struct field ConfigMap.metadata of type v1.ObjectMeta"),
        (
            SHOPS,
            {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": 5},
            "into Go value of type v1.ObjectMeta",
        ),
    ],
)
def test_what_is_no_object_at_all(cluster: FakeCluster, path: str, body: object, said: str) -> None:
    """Its kind, its version, its metadata or its data cannot be read."""
    status, answer = ask(cluster, "POST", path, body)

    assert (status, said in answer["message"]) == (400, True)


def test_a_null_is_an_object_without_a_name(cluster: FakeCluster) -> None:
    """It is read as an empty one, where the kind is not a custom one."""
    assert ask(cluster, "POST", MAPS, b"null")[0] == 422
    assert ask(cluster, "POST", SHOPS, b"null")[0] == 400
