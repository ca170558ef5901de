"""The scale subresource, applied server-side: whose the replicas are, and who may change them."""

import json
from typing import Any, Final

import pytest

from watchkit.testing import scaling
from watchkit.testing.apply import Terms
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource, Scale
from watchkit.testing.state import State
from watchkit.testing.writes import Author

AT: Final = Scale(".spec.replicas", ".status.replicas")
DEPLOYMENTS: Final = Resource("apps/v1", "deployments", "Deployment", status=True, scale=AT)
SHOPS: Final = Resource("x.io/v1", "shops", "Shop", custom=True, scale=AT)


@pytest.fixture
def state() -> State:
    """Give a state with nothing in it."""
    return State(None)


def create(state: State, resource: Resource, by: str = "one", *, part: Any = "main") -> Kept:  # noqa: ANN401
    """Create an object of three replicas, as a client."""
    manifest: Manifest = {"metadata": {"name": "d"}, "spec": {"replicas": 3}}
    return state.create(resource, manifest, Author(by, part))


def put(
    state: State,
    resource: Resource,
    by: str,
    replicas: int | None,
    *,
    force: bool = False,
    **metadata: object,
) -> Manifest:
    """Apply a Scale."""
    spec = {} if replicas is None else {"spec": {"replicas": replicas}}
    scale: Manifest = {"metadata": {"name": "d", **metadata}, **spec}
    terms = Terms(Author(by, "main", scale=True), force, scale)
    return state.apply(resource, "default/d", scale, terms).copy()


def owners(manifest: Manifest) -> set[tuple[str, str, str]]:
    """Give who owns the replicas."""
    return {
        (each["manager"], each["operation"], each.get("subresource", ""))
        for each in manifest["metadata"].get("managedFields", ())
        if "f:replicas" in each["fieldsV1"].get("f:spec", {})
    }


def said(caught: pytest.ExceptionInfo[Refusal]) -> str:
    """Give the message of a refusal."""
    message: str = json.loads(caught.value.reply.body)["message"]
    return message


@pytest.mark.parametrize("resource", [DEPLOYMENTS, SHOPS])
def test_the_owner_of_the_replicas_owns_those_of_the_scale(
    state: State, resource: Resource
) -> None:
    """A conflict names the field as the Scale does."""
    create(state, resource)

    with pytest.raises(Refusal) as caught:
        put(state, resource, "two", 5)

    assert said(caught).endswith('conflict with "one" using autoscaling/v1: .spec.replicas')


def test_who_scales_by_an_update_is_named_with_the_subresource(state: State) -> None:
    """By a Scale that is applied, and by a Deployment."""
    kept = create(state, DEPLOYMENTS)
    scaled = scaling.scaled(kept, {"spec": {"replicas": 4}})
    state.update(kept, scaled, Author("two", "main", scale=True))

    with pytest.raises(Refusal) as by_scale:
        put(state, DEPLOYMENTS, "three", 5)
    wanted: Manifest = {"metadata": {"name": "d"}, "spec": {"replicas": 5}}
    with pytest.raises(Refusal) as by_object:
        state.apply(DEPLOYMENTS, "default/d", wanted, Terms(Author("three", "main")))

    named = '"two" with subresource "scale" using'
    assert said(by_scale).endswith(f"{named} autoscaling/v1: .spec.replicas")
    assert said(by_object).endswith(f"{named} apps/v1: .spec.replicas")


def test_replicas_are_shared_won_and_given_up(state: State) -> None:
    """With the same number, by force, and by applying none: there are none then."""
    create(state, DEPLOYMENTS)

    shared = put(state, DEPLOYMENTS, "two", 3)
    won = put(state, DEPLOYMENTS, "two", 5, force=True)
    alone = put(state, DEPLOYMENTS, "two", 6)
    none = put(state, DEPLOYMENTS, "two", None)

    assert owners(shared) == {("one", "Update", ""), ("two", "Apply", "scale")}
    assert owners(won) == owners(alone) == {("two", "Apply", "scale")}
    assert [each["spec"]["replicas"] for each in (shared, won, alone, none)] == [3, 5, 6, 0]
    assert owners(none) == set()
    assert put(state, DEPLOYMENTS, "three", 1)["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("metadata", "replicas", "status"),
    [
        ({"resourceVersion": "7"}, 4, 409),
        ({"uid": "other"}, 4, 409),
        ({}, -4, 422),
    ],
)
def test_a_scale_is_meant_for_one_object(
    state: State, metadata: dict[str, object], replicas: int, status: int
) -> None:
    """By its uid and version; and there is a number of replicas that can be."""
    create(state, DEPLOYMENTS, "one")

    with pytest.raises(Refusal) as caught:
        put(state, DEPLOYMENTS, "two", replicas, force=True, **metadata)

    assert caught.value.reply.status == status
    assert state.version == 96


def test_an_apply_cannot_change_the_replicas_of_a_custom_resource(state: State) -> None:
    """A real server fails to convert them; the same number it takes."""
    create(state, SHOPS)

    with pytest.raises(Refusal, match="failed to convert new object"):
        put(state, SHOPS, "two", 5, force=True)
    same = put(state, SHOPS, "two", 3)

    assert owners(same) == {("one", "Update", ""), ("two", "Apply", "scale")}


def test_replicas_of_nobody(state: State) -> None:
    """They are somebody else's on a built-in kind; of a custom resource they cannot be applied."""
    create(state, DEPLOYMENTS, part="all")
    create(state, SHOPS, part="all")

    with pytest.raises(Refusal) as caught:
        put(state, DEPLOYMENTS, "two", 5)
    with pytest.raises(Refusal, match="failed to create manager for existing fields"):
        put(state, SHOPS, "two", 3)

    assert '"before-first-apply" with subresource "scale" using autoscaling/v1' in said(caught)


def test_none_are_left_out() -> None:
    """As the Scale of a real server has it."""
    kept = Kept(DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": {"replicas": 0}})

    assert scaling.scale_of(kept)["spec"] == {}
