"""Laws of finalizers: one guarded patch where something is to be done, nothing where not."""

from typing import Any

import pytest

from tests.unit.controllers.in_memory import Fault, InMemory, refused
from watchkit import Conflict, Forbidden, ListWatch, NotFound, Object, TransportError
from watchkit.controllers import ensure_finalizer, remove_finalizer

pytestmark = pytest.mark.anyio

NAME = "example.com/cleanup"
PATH = "/api/v1/namespaces/shop/configmaps/web"


@pytest.fixture(params=[None, "shop"], ids=["all namespaces", "one"])
def source(request: pytest.FixtureRequest, api: InMemory) -> ListWatch:
    """Give a source that the object is in."""
    return ListWatch.for_resource(api, "v1", "configmaps", namespace=request.param)


def created(api: InMemory, **meta: object) -> Object:
    """Create an object and give it as an informer would."""
    metadata: dict[str, Any] = {"name": "web", "namespace": "shop", **meta}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    return Object(api.cluster.create(manifest))


def stored(api: InMemory) -> Object:
    """Give the object as it is at the server."""
    return Object(api.cluster.get("v1", "configmaps", "shop/web"))


async def test_a_finalizer_is_added_behind_the_others(api: InMemory, source: ListWatch) -> None:
    """By one patch, guarded by version and uid; what comes back is given."""
    obj = created(api, finalizers=["a.io/one"])

    result = await ensure_finalizer(source, obj, NAME)

    assert result == stored(api)
    assert result.finalizers == ["a.io/one", NAME]
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("PATCH", PATH)
    assert asked.body == {
        "metadata": {
            "finalizers": ["a.io/one", NAME],
            "resourceVersion": obj.resource_version,
            "uid": obj.uid,
        }
    }


async def test_nothing_is_sent_where_nothing_is_to_be_done(
    api: InMemory, source: ListWatch
) -> None:
    """The object is given as it was."""
    with_it, without = created(api, finalizers=[NAME]), Object({"metadata": {"name": "x"}})

    assert await ensure_finalizer(source, with_it, NAME) is with_it
    assert await remove_finalizer(source, without, NAME) is without
    assert not api.asked


async def test_a_finalizer_is_removed_from_among_the_others(
    api: InMemory, source: ListWatch
) -> None:
    """And the last one, too."""
    obj = created(api, finalizers=["a.io/one", NAME])

    obj = await remove_finalizer(source, obj, NAME)
    assert obj.finalizers == ["a.io/one"]
    obj = await remove_finalizer(source, obj, "a.io/one")
    assert obj.finalizers == stored(api).finalizers == []


async def test_removing_the_last_one_ends_what_is_being_deleted(
    api: InMemory, source: ListWatch
) -> None:
    """The server deletes it then."""
    created(api, finalizers=[NAME])
    api.cluster.delete("v1", "configmaps", "shop/web")

    await remove_finalizer(source, stored(api), NAME)

    with pytest.raises(NotFound):
        stored(api)


async def test_an_old_version_is_a_conflict(api: InMemory, source: ListWatch) -> None:
    """Nobody's finalizer is lost."""
    obj = created(api)
    patch = {"metadata": {"finalizers": ["a.io/one"]}}
    api.cluster.patch("v1", "configmaps", "shop/web", patch)

    with pytest.raises(Conflict, match="patch configmaps"):
        await ensure_finalizer(source, obj, NAME)
    with pytest.raises(Conflict):
        await remove_finalizer(
            source, Object({**obj, "metadata": {**obj["metadata"], "finalizers": [NAME]}}), NAME
        )
    assert stored(api).finalizers == ["a.io/one"]


async def test_what_is_gone_needs_no_finalizer_removed(api: InMemory, source: ListWatch) -> None:
    """But none can be added to it."""
    obj = created(api, finalizers=[NAME])
    api.cluster.patch("v1", "configmaps", "shop/web", {"metadata": {"finalizers": None}})
    api.cluster.delete("v1", "configmaps", "shop/web")

    assert await remove_finalizer(source, obj, NAME) is obj
    with pytest.raises(NotFound):
        await ensure_finalizer(source, obj, "a.io/one")


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(refused(403, "Forbidden"), Forbidden), (Fault.RESET, TransportError)],
)
async def test_what_else_goes_wrong_is_raised_as_our_own(
    api: InMemory, source: ListWatch, trouble: Fault | Exception, error: type[Exception]
) -> None:
    """For the reconcile to be tried again."""
    api.trouble = lambda _: trouble

    with pytest.raises(error):
        await ensure_finalizer(source, created(api), NAME)


async def test_an_object_of_another_namespace_is_refused(api: InMemory) -> None:
    """Rather than another object of the same name patched."""
    source = ListWatch.for_resource(api, "v1", "configmaps", namespace="other")

    with pytest.raises(ValueError, match="shop/web is none of configmaps in other"):
        await ensure_finalizer(source, created(api), NAME)


async def test_an_object_without_a_namespace_has_its_path(api: InMemory) -> None:
    """Cluster-scoped kinds."""
    source = ListWatch.for_resource(api, "v1", "nodes")
    api.trouble = lambda _: refused(404, "NotFound")

    with pytest.raises(NotFound):
        await ensure_finalizer(source, Object({"metadata": {"name": "n1"}}), NAME)
    assert api.asked[0].path == "/api/v1/nodes/n1"
