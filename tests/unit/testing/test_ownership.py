"""Who owns what after writes that are no applies, and what an apply then conflicts with."""

import json
from typing import Any, Final

import pytest

from watchkit.testing.apply import Terms
from watchkit.testing.bodies import Refusal
from watchkit.testing.deletes import Deletion
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource, Scale
from watchkit.testing.state import State
from watchkit.testing.writes import Author

MAPS: Final = Resource("v1", "configmaps", "ConfigMap")
DEPLOYMENTS: Final = Resource(
    "apps/v1",
    "deployments",
    "Deployment",
    status=True,
    counts=True,
    scale=Scale(".spec.replicas", ".status.replicas"),
)
NOTE: Final = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def state() -> State:
    """Give a state with nothing in it."""
    return State(None)


def config_map(data: dict[str, str] | None = None, **metadata: object) -> Manifest:
    """Give a ConfigMap."""
    named = {"metadata": {"name": "d", "namespace": "shop", **metadata}}
    typed = {"apiVersion": "v1", "kind": "ConfigMap"}
    return {**typed, **named, **({} if data is None else {"data": data})}


def create(state: State, by: str, manifest: Manifest, resource: Resource = MAPS) -> Kept:
    """Create as a client."""
    return state.create(resource, manifest, Author(by, "main"))


def change(state: State, by: str, data: dict[str, str], **metadata: object) -> Kept:
    """Replace the data as a client."""
    kept = state.find(MAPS, "shop/d")
    wanted = {**kept.copy(), "data": data}
    wanted["metadata"] |= metadata
    return state.update(kept, wanted, Author(by, "main"))


def put(state: State, by: str, manifest: Manifest, *, force: bool = False) -> Manifest:
    """Apply a ConfigMap."""
    terms = Terms(Author(by, "main"), force, manifest)
    return state.apply(MAPS, "shop/d", manifest, terms).copy()


def refusal(state: State, by: str, manifest: Manifest) -> str:
    """Apply in vain, and give what was said."""
    with pytest.raises(Refusal) as caught:
        put(state, by, manifest)
    said: str = json.loads(caught.value.reply.body)["message"]
    return said


def fields(manifest: Manifest) -> dict[tuple[str, str], Any]:
    """Give the fields of each owner that an object shows."""
    entries = manifest["metadata"].get("managedFields", [])
    return {(each["manager"], each["operation"]): each["fieldsV1"] for each in entries}


def test_who_created_an_object_is_named_by_a_conflict(state: State) -> None:
    """And who changed a field of it after that, for this field."""
    create(state, "one", config_map({"a": "1", "b": "1"}))
    change(state, "two", {"a": "1", "b": "2"})

    assert 'conflict with "one" using v1: .data.a' in refusal(state, "x", config_map({"a": "9"}))
    assert 'conflict with "two" using v1: .data.b' in refusal(state, "x", config_map({"b": "9"}))
    said = refusal(state, "x", config_map({"a": "9", "b": "9"}))
    assert said.splitlines()[0::2] == [
        'Apply failed with 2 conflicts: conflicts with "one" using v1:',
        'conflicts with "two" using v1:',
    ]


def test_owners_are_shown_from_the_first_apply_on(state: State) -> None:
    """Before it, objects are as small as they were written."""
    created = create(state, "one", config_map({"a": "1"}))
    changed = change(state, "two", {"a": "1", "b": "2"})

    applied = put(state, "three", config_map({"a": "1"}))

    assert "managedFields" not in {**created.manifest["metadata"], **changed.manifest["metadata"]}
    assert fields(applied) == {
        ("one", "Update"): {"f:data": {".": {}, "f:a": {}}},
        ("two", "Update"): {"f:data": {"f:b": {}}},
        ("three", "Apply"): {"f:data": {"f:a": {}}},
    }


def test_an_apply_that_gives_nobody_anything_changes_nothing(state: State) -> None:
    """The object is shown without its owners still, at its version."""
    created = create(state, "one", config_map({"a": "1"}))

    assert put(state, "two", config_map()) == created.copy()


def test_what_the_hand_of_a_test_creates_is_not_tracked(state: State) -> None:
    """Whoever changes it: its first apply finds one owner of everything, as after a reset."""
    state.create(MAPS, config_map({"a": "1"}))
    changed = change(state, "one", {"a": "2"})

    assert changed.owners == ()
    assert '"before-first-apply" using v1: .data.a' in refusal(state, "x", config_map({"a": "3"}))


def test_the_hand_of_a_test_owns_what_it_changes_of_the_objects_of_clients(state: State) -> None:
    """Under the name of the package."""
    kept = create(state, "one", config_map({"a": "1"}))
    state.update(kept, config_map({"a": "2"}))

    assert '"watchkit.testing" using v1: .data.a' in refusal(state, "x", config_map({"a": "3"}))


def test_owners_stay_through_deletion_and_dry_runs(state: State) -> None:
    """What finalizers hold is still owned; what was only tried gives nobody anything."""
    kept = create(state, "one", config_map({"a": "1"}, finalizers=["x.io/a"]))
    state.update(kept, config_map({"a": "2"}), Author("two", "main", dry=True))
    state.delete(kept, Deletion(at_once=True))

    held = state.find(MAPS, "shop/d")
    assert held.manifest["metadata"]["deletionTimestamp"]
    assert '"one" using v1: .data.a' in refusal(state, "x", config_map({"a": "3"}))


def test_a_status_is_owned_by_its_subresource(state: State) -> None:
    """So are replicas; neither is what the creator owns."""
    manifest: Manifest = {"metadata": {"name": "d"}, "spec": {"replicas": 1, "paused": True}}
    kept = create(state, "one", manifest, DEPLOYMENTS)
    status = {**kept.copy(), "status": {"replicas": 1}}
    kept = state.update(kept, status, Author("one", "status"))
    scaled = {**kept.copy(), "spec": {"replicas": 2, "paused": True}}
    kept = state.update(kept, scaled, Author("one", "main", scale=True))

    found = {each.subresource: sorted(each.paths) for each in kept.owners}
    assert found == {
        "": [("f:spec", "f:paused")],
        "status": [("f:status", "f:replicas")],
        "scale": [("f:spec", "f:replicas")],
    }
    assert [each.time == "" for each in kept.owners if each.subresource == "scale"] == [True]


def test_an_apply_that_takes_fields_only_has_no_time_of_its_own(state: State) -> None:
    """Nor does a second one make another."""
    create(state, "one", config_map({"a": "1"}))
    first = put(state, "two", config_map({"a": "1"}))
    again = put(state, "two", config_map({"a": "1"}))

    entries = first["metadata"]["managedFields"]
    assert {each["manager"]: "time" in each for each in entries} == {"one": True, "two": False}
    assert again == first


def test_a_write_may_name_the_owners(state: State) -> None:
    """As kubectl does when it makes client-side applied fields its own."""
    create(state, "old", config_map({"a": "1", "b": "1"}))
    taken = put(state, "new", config_map({"a": "1"}))["metadata"]["managedFields"]
    entry = next(each for each in taken if each["manager"] == "new")
    entry["fieldsV1"] = {"f:data": {"f:a": {}, "f:b": {}}}

    named = change(state, "x", {"a": "1", "b": "1"}, managedFields=[entry]).copy()
    left = put(state, "new", config_map({"a": "2"}))

    assert fields(named) == {("new", "Apply"): {"f:data": {"f:a": {}, "f:b": {}}}}
    assert left["data"] == {"a": "2"}


@pytest.mark.parametrize("given", [None, [], [{"manager": "x"}]])
def test_owners_that_make_no_sense_change_none(state: State, given: object) -> None:
    """Neither do none."""
    create(state, "one", config_map({"a": "1"}))
    before = put(state, "two", config_map({"a": "1"}))

    assert change(state, "x", {"a": "1"}, managedFields=given).copy() == before


def test_owners_are_reset_by_one_that_is_empty(state: State) -> None:
    """From then on nobody is tracked, until the next apply."""
    create(state, "one", config_map({"a": "1"}))

    reset = change(state, "two", {"a": "1"}, managedFields=[{}])
    change(state, "two", {"a": "2"})

    assert (reset.version, reset.owners) == (97, ())
    assert '"before-first-apply" using v1: .data.a' in refusal(state, "x", config_map({"a": "3"}))


def noted(data: dict[str, str], **metadata: object) -> Manifest:
    """Give a ConfigMap as kubectl applies it client-side."""
    note = json.dumps(config_map(data))
    return config_map(data, annotations={NOTE: note}, **metadata)


def test_kubectl_takes_over_what_it_applied_client_side(state: State) -> None:
    """And keeps its note up to date, as Go writes JSON; another manager conflicts."""
    create(state, "kubectl-client-side-apply", noted({"a": "1"}))

    assert '"kubectl-client-side-apply"' in refusal(state, "x", config_map({"a": "<2>"}))
    taken = put(state, "kubectl", config_map({"a": "<2>"}))

    assert taken["data"] == {"a": "<2>"}
    assert taken["metadata"]["annotations"][NOTE] == (
        '{"apiVersion":"v1","data":{"a":"\\u003c2\\u003e"},"kind":"ConfigMap",'
        '"metadata":{"name":"d","namespace":"shop"}}\n'
    )


@pytest.mark.parametrize(
    "note", ["junk", "[]", '{"apiVersion":"v2","data":{"a":"1"}}', '{"apiVersion":"v1"}']
)
def test_what_is_not_in_the_note_is_contested(state: State, note: str) -> None:
    """A note that is none, of another version, or about other fields excuses nothing."""
    create(state, "old", config_map({"a": "1"}, annotations={NOTE: note}))

    assert 'conflict with "old" using v1: .data.a' in refusal(
        state, "kubectl", config_map({"a": "2"})
    )


def test_what_somebody_changed_since_is_contested(state: State) -> None:
    """The note says another value for it."""
    create(state, "kubectl-client-side-apply", noted({"a": "1", "b": "1"}))
    kept = state.find(MAPS, "shop/d")
    state.update(kept, {**kept.copy(), "data": {"a": "1", "b": "2"}}, Author("p", "main"))

    said = refusal(state, "kubectl", config_map({"a": "2", "b": "3"}))

    assert said == 'Apply failed with 1 conflict: conflict with "p" using v1: .data.b'
