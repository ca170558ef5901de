"""Metadata: who an object is at once, its labels and the like when asked for."""

from datetime import UTC, datetime

import msgspec
import pytest

from tests.unit.core.manifests import compact
from watchkit.core.errors import ProtocolError
from watchkit.core.metadata import ObjectMeta, OwnerReference

FULL = {
    "name": "web-0",
    "namespace": "shop",
    "uid": "u1",
    "resourceVersion": "7",
    "generation": 3,
    "creationTimestamp": "2026-11-21T07:15:38Z",
    "deletionTimestamp": "2026-11-21T08:15:38Z",
    "labels": {"app": "web"},
    "annotations": {"note": "é\u2028"},
    "finalizers": ["shop/lock"],
    "ownerReferences": [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": "web",
            "uid": "u0",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ],
    "managedFields": [{"manager": "kubectl"}],
}
NULLS = dict.fromkeys(
    (
        "namespace",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
    )
)


def read(metadata: object) -> ObjectMeta:
    """Read metadata from its JSON."""
    return msgspec.json.decode(compact(metadata), type=ObjectMeta)


def test_every_field_is_read() -> None:
    """What the server says of an object is there under Python's names."""
    meta = read(FULL)

    assert (meta.name, meta.namespace, meta.key) == ("web-0", "shop", "shop/web-0")
    assert (meta.uid, meta.resource_version, meta.generation) == ("u1", "7", 3)
    assert meta.creation_timestamp == datetime(2026, 11, 21, 7, 15, 38, tzinfo=UTC)
    assert meta.deletion_timestamp == datetime(2026, 11, 21, 8, 15, 38, tzinfo=UTC)
    assert meta.labels == {"app": "web"}
    assert meta.annotations == {"note": "é\u2028"}
    assert meta.finalizers == ["shop/lock"]
    owner = OwnerReference("apps/v1", "ReplicaSet", "web", "u0", controller=True)
    assert meta.owner_references == [msgspec.structs.replace(owner, block_owner_deletion=True)]


@pytest.mark.parametrize("metadata", [{}, NULLS])
def test_what_is_missing_or_null_is_empty(metadata: dict[str, None]) -> None:
    """Nobody need tell a missing field from an empty one."""
    meta = read(metadata)

    assert (meta.name, meta.key, meta.uid, meta.resource_version) == ("", "", "", "")
    assert (meta.namespace, meta.generation) == (None, None)
    assert (meta.creation_timestamp, meta.deletion_timestamp) == (None, None)
    assert meta.labels == meta.annotations == {}
    assert (meta.finalizers, meta.owner_references) == ([], [])


def test_a_key_without_namespace_is_the_name() -> None:
    """So it is for cluster-scoped objects, whether the namespace is missing or empty."""
    assert read({"name": "node-1"}).key == "node-1"
    assert read({"name": "node-1", "namespace": ""}).key == "node-1"


def test_what_is_read_is_the_readers_own() -> None:
    """Two reads are two copies: changing one changes nothing else."""
    meta = read(FULL)
    meta.labels["app"] = "changed"
    meta.finalizers.append("changed")

    assert meta.labels == {"app": "web"}
    assert meta.finalizers == ["shop/lock"]


def test_metadata_are_a_value() -> None:
    """Frozen, equal by content, hashable by identity."""
    meta = read(FULL)

    assert meta == read(FULL)
    assert hash(meta) == hash(read(FULL))
    assert meta != read(FULL | {"labels": {}})
    with pytest.raises(AttributeError):
        meta.name = "other"  # type: ignore[misc]


def test_a_repr_says_who_and_when_only() -> None:
    """Labels and annotations may hold what is nobody's business."""
    assert repr(read(FULL)) == "<ObjectMeta shop/web-0 uid=u1 at=7>"


@pytest.mark.parametrize("name", ["labels", "annotations", "finalizers", "ownerReferences"])
def test_a_malformed_field_fails_when_it_is_read(name: str) -> None:
    """What it says does not matter until then."""
    meta = read(FULL | {name: {"hunter2": {}}})

    with pytest.raises(ProtocolError) as caught:
        _ = meta.labels, meta.annotations, meta.finalizers, meta.owner_references
    assert "hunter2" not in str(caught.value)
