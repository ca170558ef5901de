"""Server-side apply: who owns what, what merges, what conflicts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.testing import fieldsets
from watchkit.testing.apply import Terms
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.state import State
from watchkit.testing.writes import Author

DEPLOYMENTS = Resource("apps/v1", "deployments", "Deployment", status=True, counts=True)
SHOPS = Resource("x.io/v1", "shops", "Shop", custom=True, status=True, counts=True, guarded=True)
NAMES = st.sampled_from(["a", "b", "c"])
SPECS = st.dictionaries(
    NAMES, st.integers(0, 2) | st.dictionaries(NAMES, st.integers(0, 2)), max_size=3
)


@pytest.fixture
def state() -> State:
    """Give a state with nothing in it."""
    return State(None)


def deployment(**spec: object) -> Manifest:
    """Give a configuration."""
    return {"metadata": {"name": "d", "namespace": "shop"}, "spec": spec}


def containers(*given: Manifest) -> Manifest:
    """Give a configuration with these containers."""
    return deployment(template={"spec": {"containers": list(given)}})


def put(
    state: State,
    manifest: Manifest,
    manager: str,
    *,
    resource: Resource = DEPLOYMENTS,
    force: bool = False,
    status: bool = False,
) -> Manifest:
    """Apply, and give the object."""
    author = Author(manager, "status" if status else "main")
    return state.apply(resource, "shop/d", manifest, Terms(author, force)).copy()


def owned(manifest: Manifest) -> dict[str, Any]:
    """Give the fields of each manager."""
    entries = manifest["metadata"].get("managedFields", [])
    return {each["manager"]: each["fieldsV1"] for each in entries}


def conflicts(caught: pytest.ExceptionInfo[Refusal]) -> list[str]:
    """Give the fields that a refusal names."""
    assert caught.value.reply.status == 409
    causes = json.loads(caught.value.reply.body)["details"]["causes"]
    return [each["field"] for each in causes]


def test_items_of_a_list_with_keys_are_merged(state: State) -> None:
    """Two managers own two containers, or two fields of one; neither drops the other's."""
    put(state, containers({"name": "main", "image": "1"}), "one")
    both = put(state, containers({"name": "side", "image": "2"}), "two")
    main = put(state, containers({"name": "main", "command": ["x"]}, {"name": "side"}), "three")

    names = [each["name"] for each in both["spec"]["template"]["spec"]["containers"]]
    assert names == ["main", "side"]
    assert main["spec"]["template"]["spec"]["containers"][0] == {
        "name": "main",
        "image": "1",
        "command": ["x"],
    }
    fields = owned(main)["one"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert fields == {'k:{"name":"main"}': {".": {}, "f:image": {}, "f:name": {}}}


def test_what_a_manager_applies_no_more_goes(state: State) -> None:
    """A container, a field of it, or a label: unless somebody else owns it too."""
    label: Manifest = {
        "metadata": {"name": "d", "namespace": "shop", "labels": {"a": "1", "b": "2"}}
    }
    put(state, {**containers({"name": "main"}, {"name": "side", "image": "2"}), **label}, "one")
    put(state, containers({"name": "side", "image": "2"}), "two")
    label["metadata"]["labels"] = {"b": "2"}

    after = put(state, {**containers(), **label}, "one")

    assert [each["name"] for each in after["spec"]["template"]["spec"]["containers"]] == ["side"]
    assert after["metadata"]["labels"] == {"b": "2"}


def test_a_conflict_names_field_and_owner(state: State) -> None:
    """A different value for a field of somebody else's is refused, and changes nothing."""
    first = put(state, containers({"name": "main", "image": "1"}), "one")

    with pytest.raises(Refusal) as refused:
        put(state, containers({"name": "main", "image": "2"}), "two")

    assert conflicts(refused) == ['.spec.template.spec.containers[name="main"].image']
    assert state.find(DEPLOYMENTS, "shop/d").copy() == first
    forced = put(state, containers({"name": "main", "image": "2"}), "two", force=True)
    assert "f:image" not in str(owned(forced)["one"])


def test_an_apply_for_another_object_is_refused(state: State) -> None:
    """One of the same name, with another uid; by force too."""
    first = put(state, deployment(replicas=1), "one")
    other = deployment(replicas=2)
    other["metadata"] |= {"uid": "other"}

    with pytest.raises(Refusal, match=r"422.*metadata\.uid"):
        put(state, other, "one", force=True)
    other["metadata"]["uid"] = first["metadata"]["uid"]
    assert put(state, other, "one")["spec"]["replicas"] == 2


def test_data_goes_with_its_last_item(state: State) -> None:
    """On built-in kinds, and whoever applies an empty one owns it still."""
    maps = Resource("v1", "configmaps", "ConfigMap")
    named: Manifest = {"metadata": {"name": "d", "namespace": "shop"}}
    put(state, {**named, "data": {"a": "1"}}, "one", resource=maps)

    empty = put(state, {**named, "data": {}}, "one", resource=maps)
    filled = put(state, {**named, "data": {"b": "1"}}, "one", resource=maps)
    put(state, {**named, "data": {}}, "one", resource=maps)
    with pytest.raises(Refusal) as refused:
        put(state, {**named, "data": {"b": "1"}}, "two", resource=maps)
    gone = put(state, named, "one", resource=maps)

    assert conflicts(refused) == [".data"]
    assert ("data" in empty, "data" in gone, filled["data"]) == (False, False, {"b": "1"})
    assert owned(empty) == {"one": {"f:data": {}}}


def test_what_a_change_removes_is_nobodys(state: State) -> None:
    """As where one value takes the place of many."""
    shop: Manifest = {"metadata": {"name": "d", "namespace": "shop"}, "spec": {"m": {"a": 1}}}
    put(state, shop, "one", resource=SHOPS)

    after = put(state, {**shop, "spec": {"m": 5}}, "two", resource=SHOPS, force=True)

    assert owned(after)["one"] == {"f:spec": {}}


def test_a_list_without_keys_is_one_field(state: State) -> None:
    """Its owner owns all of it, as of every list of a custom resource."""
    put(state, containers({"name": "main", "args": ["1"]}), "one")
    shop: Manifest = {
        "metadata": {"name": "d", "namespace": "shop"},
        "spec": {"list": [{"name": "a"}]},
    }
    put(state, shop, "one", resource=SHOPS)
    shop["spec"]["list"] = [{"name": "b"}]

    with pytest.raises(Refusal):
        put(state, containers({"name": "main", "args": ["1", "2"]}), "two")
    with pytest.raises(Refusal) as refused:
        put(state, shop, "two", resource=SHOPS)
    assert conflicts(refused) == [".spec.list"]


def test_ports_are_known_by_number_and_protocol(state: State) -> None:
    """With the protocol that is TCP where nothing is said; in a Service by another field."""
    services = Resource("v1", "services", "Service", status=True)
    put(state, containers({"name": "main", "ports": [{"containerPort": 80}]}), "one")
    put(state, deployment(ports=[{"port": 80}]), "one", resource=services)

    pod = put(
        state,
        containers({"name": "main", "ports": [{"containerPort": 80, "protocol": "UDP"}]}),
        "two",
    )
    service = put(state, deployment(ports=[{"port": 80, "name": "web"}]), "two", resource=services)

    assert len(pod["spec"]["template"]["spec"]["containers"][0]["ports"]) == 2
    assert service["spec"]["ports"] == [{"port": 80, "name": "web"}]


def test_finalizers_are_a_set(state: State) -> None:
    """Each of them is owned by itself."""
    meta = {"name": "d", "namespace": "shop"}
    put(state, {"metadata": {**meta, "finalizers": ["x.io/a"]}}, "one")
    both = put(state, {"metadata": {**meta, "finalizers": ["x.io/b"]}}, "two")
    left = put(state, {"metadata": meta}, "one")

    assert both["metadata"]["finalizers"] == ["x.io/a", "x.io/b"]
    assert left["metadata"]["finalizers"] == ["x.io/b"]


def test_what_was_there_before_is_somebody_elses(state: State) -> None:
    """The first apply of an object finds an owner of everything, as a real server's did."""
    state.create(DEPLOYMENTS, deployment(replicas=1, paused=True))

    with pytest.raises(Refusal, match="before-first-apply"):
        put(state, deployment(replicas=2), "one")
    after = put(state, deployment(replicas=1), "one")

    assert set(owned(after)) == {"one", "before-first-apply"}


def test_an_update_takes_what_it_changes(state: State) -> None:
    """And what it removes is nobody's; what nobody applied is never tracked."""
    applied = put(state, deployment(replicas=1, paused=True), "one")
    kept = state.find(DEPLOYMENTS, "shop/d")
    changed = {**applied, "spec": {"replicas": 5}}

    after = state.update(kept, changed, Author("two", "main")).copy()

    assert owned(after) == {"two": {"f:spec": {"f:replicas": {}}}}
    untracked = state.create(DEPLOYMENTS, {**deployment(), "metadata": {"name": "e"}})
    touched = state.update(untracked, {**untracked.copy(), "spec": {"replicas": 2}})
    assert owned(touched.copy()) == {}


def test_what_names_an_item_stays_with_the_item(state: State) -> None:
    """A container that its manager gives up stays a container while somebody owns a part of it."""
    put(state, containers({"name": "main", "image": "1", "tty": True}), "one")
    kept = state.find(DEPLOYMENTS, "shop/d")
    state.update(kept, {**kept.copy(), **containers({"name": "main", "image": "2", "tty": True})})

    after = put(state, deployment(), "one")

    assert after["spec"]["template"]["spec"]["containers"] == [{"name": "main", "image": "2"}]


def test_a_status_is_applied_by_itself(state: State) -> None:
    """Through the subresource, under the same name, without touching the rest."""
    put(state, {**deployment(replicas=1), "status": {"replicas": 9}}, "one")
    after = put(state, {**deployment(replicas=7), "status": {"replicas": 1}}, "one", status=True)

    assert (after["spec"], after["status"]) == ({"replicas": 1}, {"replicas": 1})
    assert after["metadata"]["generation"] == 1
    subresources = [each.get("subresource") for each in after["metadata"]["managedFields"]]
    assert sorted(subresources, key=str) == [None, "status"]


def test_applying_the_same_again_changes_nothing(state: State) -> None:
    """No version, no event, not even another time."""
    first = put(state, containers({"name": "main", "env": [{"name": "A", "value": "1"}]}), "one")
    version = state.version

    again = put(state, containers({"name": "main", "env": [{"name": "A", "value": "1"}]}), "one")

    assert (again, state.version) == (first, version)


@given(spec=SPECS, custom=st.booleans())
def test_managed_fields_can_be_read_back(spec: dict[str, Any], custom: bool) -> None:  # noqa: FBT001
    """FieldsV1 loses no path, and adds none."""
    manifest = {"metadata": {"labels": {"a": "b"}, "finalizers": ["x.io/f"]}, "spec": spec}
    paths = fieldsets.paths_of(manifest, custom=custom)

    assert frozenset(fieldsets.decoded(fieldsets.encoded(paths))) == paths


@given(first=SPECS, second=SPECS, third=SPECS)
def test_one_manager_alone_gets_what_it_applied_last(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    """Whatever was applied before: of what only it owns, nothing stays."""
    state = State(None)
    for spec in (first, second, third):
        put(state, deployment(**spec), "one", resource=SHOPS)

    kept: Kept = state.find(SHOPS, "shop/d")
    assert _bare(kept.manifest["spec"]) == _bare(third)


@given(mine=SPECS, theirs=SPECS)
def test_force_always_wins_and_what_is_not_contested_stays(
    mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    """After a forced apply every field that it names has its value."""
    state = State(None)
    put(state, deployment(**theirs), "two", resource=SHOPS)

    after = put(state, deployment(**mine), "one", resource=SHOPS, force=True)

    paths = fieldsets.paths_of(deployment(**mine), custom=True)
    wanted = {path: fieldsets.at(deployment(**mine), path, schemaless=True) for path in paths}
    for path, value in wanted.items():
        if not isinstance(value, dict):
            assert fieldsets.at(after, path, schemaless=True) == value


def _bare(value: Any) -> Any:  # noqa: ANN401
    """Without empty mappings, of which it does not matter whether they are there."""
    if not isinstance(value, dict):
        return value
    inner = {name: _bare(each) for name, each in value.items()}
    return {name: each for name, each in inner.items() if each != {}}
