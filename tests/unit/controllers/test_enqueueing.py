"""Which requests a change leads to: of itself, of its owners, of what a function says."""

from collections.abc import Mapping

import pytest

from tests.unit.core.manifests import compact, manifest
from watchkit import Added, Deleted, Object, Updated
from watchkit.controllers import Request, enqueue_mapped, enqueue_object, enqueue_owner


def owner(
    name: str, kind: str = "Shop", api_version: str = "x.io/v1", **more: object
) -> dict[str, object]:
    """Make an entry of ownerReferences."""
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": name, **more}


def child(*owners: Mapping[str, object], version: str = "5", spec: object = None) -> Object:
    """Make an object of namespace shop that is owned."""
    made = manifest("web", version=version, spec=spec)
    metadata = made["metadata"]
    assert isinstance(metadata, dict)
    metadata["ownerReferences"] = owners
    return Object(compact(made))


def added(obj: Object) -> Added:
    """Tell of an object that came."""
    return Added(obj, obj.meta)


CONTROLLER = owner("first", controller=True)


def test_an_object_asks_for_itself() -> None:
    """Whatever happened to it."""
    obj = child()
    changes = [added(obj), Updated(obj, obj, obj.meta), Deleted(obj, obj.meta)]

    assert [enqueue_object(change) for change in changes] == [[Request("shop", "web")]] * 3
    assert enqueue_object(Request(None, "n1")) == [Request(None, "n1")]


@pytest.mark.parametrize(
    ("owners", "names"),
    [
        ([], []),
        ([CONTROLLER], ["first"]),
        ([owner("second"), CONTROLLER, owner("third", controller=False)], ["first"]),
        ([owner("first", api_version="x.io/v1beta2", controller=True)], ["first"]),
        ([owner("first", api_version="y.io/v1", controller=True)], []),
        ([owner("first", api_version="v1", controller=True)], []),
        ([owner("first", kind="Mall", controller=True)], []),
    ],
)
def test_an_owned_object_asks_for_its_controller(
    owners: list[dict[str, object]], names: list[str]
) -> None:
    """Of that kind and group, in its own namespace; the version of the API does not matter."""
    enqueue = enqueue_owner("x.io/v1", "Shop")

    assert enqueue(added(child(*owners))) == [Request("shop", name) for name in names]


def test_all_owners_where_that_is_wanted() -> None:
    """Each once."""
    enqueue = enqueue_owner("x.io/v1", "Shop", controller_only=False)

    asked = enqueue(added(child(owner("second"), CONTROLLER, owner("second"))))
    assert asked == [Request("shop", "second"), Request("shop", "first")]


def test_an_owner_that_is_cluster_scoped_has_no_namespace() -> None:
    """Nobody can know that but who asks."""
    enqueue = enqueue_owner("v1", "Node", namespaced=False)
    node = owner("n1", "Node", "v1", controller=True)

    assert enqueue(added(child(node))) == [Request(None, "n1")]


def test_an_owner_that_is_one_no_more_is_asked_for() -> None:
    """It may want to make another child; a deleted child asks for its owner, too."""
    enqueue = enqueue_owner("x.io/v1", "Shop")
    old, new = child(CONTROLLER), child(owner("other", controller=True), version="6")

    asked = enqueue(Updated(old, new, new.meta, old_meta=old.meta))
    assert asked == [Request("shop", "other"), Request("shop", "first")]
    assert enqueue(Updated(old, old, old.meta, old_meta=old.meta)) == [Request("shop", "first")]
    assert enqueue(Deleted(old, old.meta)) == [Request("shop", "first")]


def test_a_model_still_tells_its_owner() -> None:
    """The metadata of a change are there whatever the model."""
    enqueue = enqueue_owner("x.io/v1", "Shop")
    meta, before = child(CONTROLLER).meta, child(owner("zeroth", controller=True)).meta

    assert enqueue(Added("a model", meta)) == [Request("shop", "first")]
    assert enqueue(Updated("was", "is", meta)) == [Request("shop", "first")]
    assert enqueue(Updated("was", "is", meta, old_meta=before)) == [
        Request("shop", "first"),
        Request("shop", "zeroth"),
    ]


def test_a_function_says_what_an_object_asks_for() -> None:
    """As it is, and, of an update, as it was; each request once."""

    def shops(obj: Object) -> list[Request]:
        return [Request(obj.namespace, name) for name in obj["spec"]]

    enqueue = enqueue_mapped(shops)
    old, new = child(spec=["a", "b"]), child(spec=["b", "c"], version="6")

    assert enqueue(added(old)) == [Request("shop", "a"), Request("shop", "b")]
    assert enqueue(Updated(old, new, new.meta)) == [
        Request("shop", "b"),
        Request("shop", "c"),
        Request("shop", "a"),
    ]
    assert enqueue(Deleted(old, old.meta)) == enqueue(added(old))
