"""What a patch may make of an object, and how its result is read."""

from typing import Any, Final

import pytest

from watchkit.testing import patches
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.state import State
from watchkit.testing.writes import Author

MAPS: Final = Resource("v1", "configmaps", "ConfigMap")
SHOPS: Final = Resource("x.io/v1", "shops", "Shop", custom=True, guarded=True)


def kept(resource: Resource = MAPS, **metadata: object) -> Kept:
    """Give an object."""
    manifest: Manifest = {"metadata": {"name": "d", **metadata}, "data": {"k": "1"}}
    return State(None).create(resource, manifest)


def patched(before: Kept, patch: object) -> Manifest:
    """Patch it, and check what comes of it."""
    media = patches.JSON_PATCH if isinstance(patch, list) else patches.MERGE
    result = patches.patched(before, media, patch)
    patches.check_identity(before, result)
    return result


def status(before: Kept, patch: object) -> int:
    """Give the status that the patch is answered."""
    try:
        patched(before, patch)
    except Refusal as no:
        return no.reply.status
    return 200


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (5, 422),
        (None, 400),
        *(({name: 5}, 422) for name in ("name", "uid", "resourceVersion", "labels", "finalizers")),
        ({"labels": {"a": 1}}, 422),
        ({"labels": ["x"]}, 422),
        ({"finalizers": [1]}, 422),
        ({"finalizers": "x"}, 422),
        ({"ownerReferences": [1]}, 422),
        ({"ownerReferences": {}}, 422),
        ({"managedFields": "x"}, 422),
        ({"creationTimestamp": "x"}, 422),
        ({"deletionTimestamp": "2020-01-01T00:00:00Z"}, 422),
        ({"deletionGracePeriodSeconds": 5}, 422),
        ({"generation": "x"}, 422),
        ({"generation": True}, 422),
        ({"generation": 7}, 200),
        ({"uid": "other"}, 422),
        ({"name": ""}, 400),
        ({"name": None}, 400),
        ({"name": "other"}, 400),
        ({"namespace": "other"}, 400),
        *(({name: None}, 200) for name in ("namespace", "uid", "creationTimestamp", "labels")),
        *(({name: ""}, 200) for name in ("namespace", "uid")),
    ],
)
def test_metadata_is_read_by_its_types_and_stays_that_of_the_object(
    metadata: object, expected: int
) -> None:
    """A 422 for what cannot be read or never changes, a 400 for what is another object's."""
    found = [status(kept(resource), {"metadata": metadata}) for resource in (MAPS, SHOPS)]

    assert found == [expected, expected]


@pytest.mark.parametrize(
    ("patch", "of_maps", "of_shops"),
    [
        ({"kind": None}, 200, 422),
        ({"kind": ""}, 200, 422),
        ({"kind": "Secret"}, 422, 422),
        ({"apiVersion": None}, 400, 500),
        ({"apiVersion": "v9"}, 422, 422),
        ([{"op": "remove", "path": "/metadata"}], 400, 400),
        ([{"op": "remove", "path": "/metadata/name"}], 400, 400),
        ([{"op": "add", "path": "/metadata/labels"}], 200, 200),
        ([{"op": 5, "path": "/metadata"}], 400, 400),
        ([{"op": "add", "path": []}], 400, 400),
        (["x"], 400, 400),
        ([5], 400, 400),
        ([True], 400, 400),
        ([["x"]], 400, 400),
        ([None], 422, 422),
        ([{"path": "/metadata"}], 422, 422),
        ([{"op": "remove", "path": ""}], 422, 422),
    ],
)
def test_built_in_kinds_are_known_without_being_named(
    patch: object, of_maps: int, of_shops: int
) -> None:
    """Custom resources are not; operations are read by their types before they are done."""
    assert [status(kept(MAPS), patch), status(kept(SHOPS), patch)] == [of_maps, of_shops]


def test_texts_that_are_null_are_empty() -> None:
    """Where an operation puts them: a merge patch takes them away."""
    added: list[Any] = [
        {"op": "add", "path": "/metadata/labels", "value": {"a": None}},
        {"op": "add", "path": "/metadata/finalizers", "value": [None]},
        {"op": "add", "path": "/data/x"},
    ]
    of_map, of_shop = patched(kept(MAPS), added), patched(kept(SHOPS), added)

    assert (of_map["metadata"]["labels"], of_map["metadata"]["finalizers"]) == ({"a": ""}, [""])
    assert (of_map["data"], of_shop["data"]) == ({"k": "1", "x": ""}, {"k": "1", "x": None})


def test_what_is_being_deleted_stays_so() -> None:
    """Whatever a patch says of when."""
    state = State(None)
    state.create(MAPS, {"metadata": {"name": "d", "finalizers": ["x.io/a"]}})
    before = state.delete(state.find(MAPS, "default/d"))
    metadata = {"deletionTimestamp": "2020-01-01T00:00:00Z", "deletionGracePeriodSeconds": None}

    after = state.update(before, patched(before, {"metadata": metadata}), Author("x", "main"))

    assert after.manifest == before.manifest


def test_the_prefix_of_a_generated_name_may_change() -> None:
    """To one that names can be generated from; of custom resources, to any."""
    state, author = State(None), Author("x", "main")
    before = state.create(MAPS, {"metadata": {"name": "d", "generateName": "g-"}}, author)
    shop = state.create(SHOPS, {"metadata": {"name": "d"}}, author)

    changed = state.update(before, patched(before, {"metadata": {"generateName": "h-"}}), author)
    with pytest.raises(Refusal, match=r"metadata\.generateName"):
        state.update(changed, patched(changed, {"metadata": {"generateName": "-h"}}), author)
    gone = state.update(changed, patched(changed, {"metadata": {"generateName": None}}), author)
    odd = state.update(shop, patched(shop, {"metadata": {"generateName": "-h"}}), author)

    assert changed.manifest["metadata"]["generateName"] == "h-"
    assert "generateName" not in gone.manifest["metadata"]
    assert odd.manifest["metadata"]["generateName"] == "-h"
