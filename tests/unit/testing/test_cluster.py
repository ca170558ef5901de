"""FakeCluster: what writes do, what they refuse, and what history keeps."""

import gc
import weakref
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.testing.manifests import DEFINITION, config_map, pod, shop
from watchkit.core.errors import (
    AlreadyExists,
    Conflict,
    InvalidRequest,
    NotFound,
    ServerUnavailable,
)
from watchkit.testing import FakeCluster
from watchkit.testing.log import Log, Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.state import State

NAMES = st.sampled_from(["a", "b", "c"])
WRITES = st.lists(st.tuples(st.sampled_from(["create", "update", "delete"]), NAMES), max_size=30)


def attempt(cluster: FakeCluster, verb: str, name: str) -> None:
    """Do a write that may be refused."""
    manifest = config_map(name) | {"data": {"at": str(cluster.version)}}
    try:
        match verb:
            case "create":
                cluster.create(manifest)
            case "update":
                cluster.update(manifest)
            case _:
                cluster.delete("v1", "configmaps", f"shop/{name}")
    except (AlreadyExists, NotFound):
        pass


def test_an_object_is_created_with_what_is_the_servers_to_give(cluster: FakeCluster) -> None:
    """Version, uid, time and (with a spec) generation are set; the rest is as it was sent."""
    created = cluster.create(pod("web-0", app="web"))

    metadata = created["metadata"]
    assert metadata["resourceVersion"] == str(cluster.version)
    assert metadata["uid"] == "00000000-0000-4000-8000-000000000001"
    assert metadata["creationTimestamp"] == "2026-01-01T00:01:35Z"
    assert metadata["generation"] == 1
    assert metadata["labels"] == {"app": "web"}
    assert cluster.get("v1", "pods", "shop/web-0") == created


def test_versions_count_every_change_of_anything_and_soon_gain_a_digit() -> None:
    """One counter for all resources, which passes 100 within a few writes."""
    cluster = FakeCluster()
    began = cluster.version

    versions = [
        cluster.create(config_map(f"c{n}"))["metadata"]["resourceVersion"] for n in range(3)
    ]
    versions += [cluster.create(pod(f"p{n}"))["metadata"]["resourceVersion"] for n in range(3)]

    assert [int(version) for version in versions] == list(range(began + 1, began + 7))
    assert {len(version) for version in versions} == {2, 3}


def test_two_clusters_give_the_same_answers() -> None:
    """Nothing of an object depends on the run."""
    assert FakeCluster().create(pod("a")) == FakeCluster().create(pod("a"))


def test_a_clock_gives_the_time() -> None:
    """With a clock, timestamps are its."""
    cluster = FakeCluster(clock=lambda: datetime(2030, 2, 3, 4, 5, 6, tzinfo=UTC))

    assert cluster.create(pod("a"))["metadata"]["creationTimestamp"] == "2030-02-03T04:05:06Z"


def test_what_is_taken_and_given_is_a_copy(cluster: FakeCluster) -> None:
    """Changing a manifest outside changes nothing inside."""
    sent = config_map("a")
    given_back = cluster.create(sent)
    sent["data"]["k"] = given_back["data"]["k"] = "changed"
    cluster.get("v1", "configmaps", "shop/a")["data"]["k"] = "changed"
    cluster.list("v1", "configmaps")[0]["data"]["k"] = "changed"

    assert cluster.get("v1", "configmaps", "shop/a")["data"] == {"k": "a"}


def test_a_generated_name_is_unique(cluster: FakeCluster) -> None:
    """With generateName, each object gets a name of its own."""
    made = config_map("") | {"metadata": {"generateName": "job-", "namespace": "shop"}}

    names = {cluster.create(made)["metadata"]["name"] for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("job-") for name in names)


def test_the_default_namespace_is_default(cluster: FakeCluster) -> None:
    """An object of a namespaced resource always has a namespace, another never."""
    bare: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    node: Manifest = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n", "namespace": "x"},
    }

    assert cluster.create(bare)["metadata"]["namespace"] == "default"
    assert "namespace" not in cluster.create(node)["metadata"]
    assert cluster.update(bare | {"data": {"k": "v"}})["data"] == {"k": "v"}
    assert cluster.get("v1", "nodes", "n")["kind"] == "Node"


def test_refusals_are_the_errors_of_a_client(cluster: FakeCluster) -> None:
    """Each no of the server is the ApiError that it becomes on the other side of the wire."""
    old = cluster.create(config_map("a"))
    cluster.patch("v1", "configmaps", "shop/a", {"data": {"k": "new"}})

    with pytest.raises(AlreadyExists, match='configmaps "a" already exists'):
        cluster.create(config_map("a"))
    with pytest.raises(Conflict, match="the object has been modified"):
        cluster.update(old)
    with pytest.raises(Conflict):
        cluster.update(config_map("a") | {"metadata": {**config_map("a")["metadata"], "uid": "x"}})
    with pytest.raises(NotFound, match='configmaps "b" not found'):
        cluster.delete("v1", "configmaps", "shop/b")
    with pytest.raises(NotFound, match="404 page not found"):
        cluster.create({"apiVersion": "v1", "kind": "Unknown", "metadata": {"name": "a"}})
    with pytest.raises(ServerUnavailable, match="resourceVersion should not be set"):
        cluster.create(old)
    with pytest.raises(InvalidRequest, match="name or generateName is required"):
        cluster.create(config_map(""))
    with pytest.raises(InvalidRequest, match="unable to parse requirement"):
        cluster.list("v1", "configmaps", labels="a in")


def test_a_write_that_changes_nothing_is_none(cluster: FakeCluster) -> None:
    """An update or patch to the same content makes no version and no event."""
    created = cluster.create(config_map("a"))

    assert cluster.update(created) == created
    assert cluster.patch("v1", "configmaps", "shop/a", {"data": {"k": "a"}}) == created


def test_generation_counts_changes_of_the_spec_only(cluster: FakeCluster) -> None:
    """Labels and status leave the generation as it is."""
    cluster.create(pod("a"))

    def patched(change: Manifest) -> int:
        generation: int = cluster.patch("v1", "pods", "shop/a", change)["metadata"]["generation"]
        return generation

    assert patched({"metadata": {"labels": {"x": "y"}}}) == 1
    assert patched({"status": {"phase": "Running"}}) == 1
    assert patched({"spec": {"nodeName": "n1"}}) == 2


def test_what_is_the_servers_cannot_be_written(cluster: FakeCluster) -> None:
    """uid, creation time and generation stay, whatever an update says."""
    created = cluster.create(pod("a"))
    forged = {
        "name": "a",
        "namespace": "shop",
        "creationTimestamp": "2020-01-01T00:00:00Z",
        "generation": 9,
    }

    updated = cluster.update(pod("a") | {"metadata": forged, "spec": {"nodeName": "n"}})

    for name in ("uid", "creationTimestamp"):
        assert updated["metadata"][name] == created["metadata"][name]
    assert updated["metadata"]["generation"] == 2


def test_a_merge_patch_merges_replaces_and_removes(cluster: FakeCluster) -> None:
    """RFC 7386: objects merge, null removes, everything else replaces."""
    cluster.create(config_map("a") | {"data": {"keep": "1", "drop": "2", "swap": "3"}})

    patched = cluster.patch(
        "v1", "configmaps", "shop/a", {"data": {"drop": None, "swap": "4", "new": "5"}}
    )

    assert patched["data"] == {"keep": "1", "swap": "4", "new": "5"}


def test_finalizers_hold_a_deletion_up(cluster: FakeCluster) -> None:
    """With a finalizer an object is only marked; it goes when the last one is taken off."""
    held = config_map("a")
    held["metadata"]["finalizers"] = ["x.io/f"]
    cluster.create(held)

    marked = cluster.delete("v1", "configmaps", "shop/a")
    again = cluster.delete("v1", "configmaps", "shop/a")

    assert marked["metadata"]["deletionTimestamp"]
    assert again == marked
    cluster.patch("v1", "configmaps", "shop/a", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFound):
        cluster.get("v1", "configmaps", "shop/a")


def test_a_list_is_sorted_and_selected(cluster: FakeCluster) -> None:
    """By key, within the namespace, by labels and by fields."""
    for name, namespace in (("b", "shop"), ("a", "shop"), ("c", "other")):
        cluster.create(pod(name, namespace, node=f"n-{name}", app=name))

    def names(*args: str, **selectors: str) -> list[str]:
        return [each["metadata"]["name"] for each in cluster.list("v1", "pods", *args, **selectors)]

    assert names() == ["c", "a", "b"]
    assert names("shop") == ["a", "b"]
    assert names(labels="app in (a,c)") == ["c", "a"]
    assert names(fields="spec.nodeName=n-b") == ["b"]


def test_custom_resources_can_be_added_and_removed(cluster: FakeCluster) -> None:
    """An added resource is served until it is removed, and begins empty when added again."""
    shop: Manifest = {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "s"}}
    with pytest.raises(NotFound):
        cluster.create(shop)

    cluster.add_resource("x.io/v1", "shops", "Shop", namespaced=False)
    cluster.create(shop)
    assert cluster.get("x.io/v1", "shops", "s")["kind"] == "Shop"

    cluster.remove_resource("x.io/v1", "shops")
    with pytest.raises(NotFound):
        cluster.list("x.io/v1", "shops")
    cluster.add_resource("x.io/v1", "shops", "Shop", namespaced=False)
    assert cluster.list("x.io/v1", "shops") == []


@given(writes=WRITES)
def test_the_past_can_be_told_from_the_log(writes: list[tuple[str, str]]) -> None:
    """The state at any version kept is what the state was at that version."""
    cluster = FakeCluster()
    resource = cluster.front.catalogue.named("v1", "configmaps")
    assert resource is not None
    seen = {cluster.version: cluster.list("v1", "configmaps")}
    for verb, name in writes:
        attempt(cluster, verb, name)
        seen[cluster.version] = cluster.list("v1", "configmaps")

    log = log_of(cluster, resource)

    for version, wanted in seen.items():
        objects = log.at(version)
        assert [objects[key].copy() for key in sorted(objects)] == wanted
        assert [kept.copy() for kept in log.ordered(version).objects] == wanted
        assert log.ordered(version).keys == sorted(objects)


@given(before=WRITES, after=WRITES)
def test_a_restored_cluster_is_what_it_was(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    """Objects and counter go back; only uids go on, so that none is ever given twice."""
    cluster = FakeCluster()
    for verb, name in before:
        attempt(cluster, verb, name)
    version, objects = cluster.version, cluster.list("v1", "configmaps")
    uids = {each["metadata"]["uid"] for each in objects}
    for verb, name in after:
        attempt(cluster, verb, name)
        uids |= {each["metadata"]["uid"] for each in cluster.list("v1", "configmaps")}

    cluster.restore(version)

    assert (cluster.version, cluster.list("v1", "configmaps")) == (version, objects)
    resource = cluster.front.catalogue.named("v1", "configmaps")
    assert resource is not None
    ordered = log_of(cluster, resource).ordered(version)
    assert [kept.copy() for kept in ordered.objects] == objects
    assert cluster.create(config_map("new"))["metadata"]["uid"] not in uids


def test_only_what_is_kept_can_be_restored(cluster: FakeCluster) -> None:
    """Neither the future nor the compacted past can be gone to."""
    cluster.create(config_map("a"))
    cluster.compact()

    for version in (cluster.version - 1, cluster.version + 1):
        with pytest.raises(ValueError, match="can be restored"):
            cluster.restore(version)


def test_history_is_forgotten_forwards_only(cluster: FakeCluster) -> None:
    """Nothing that is forgotten comes back, and what has not happened cannot be forgotten."""
    for name in "abc":
        cluster.create(config_map(name))
    cluster.compact(97)
    cluster.compact(97)

    for version in (-5, 96, 99, 10_000):
        with pytest.raises(ValueError, match="only 97 to 98 can be compacted"):
            cluster.compact(version)
    cluster.restore(97)
    assert [each["metadata"]["name"] for each in cluster.list("v1", "configmaps")] == ["a", "b"]


SHOP = shop("s")


def test_a_restore_brings_definitions_back_and_takes_them_away(cluster: FakeCluster) -> None:
    """What a definition makes is served from its version on, and while it was there."""
    cluster.create(config_map("a"))
    cluster.create(DEFINITION)
    made = cluster.create(SHOP)
    there = cluster.version
    cluster.delete("apiextensions.k8s.io/v1", "customresourcedefinitions", "shops.x.io")
    cluster.create(config_map("b"))

    cluster.restore(there)
    assert cluster.list("x.io/v1", "shops") == [made]

    cluster.delete("apiextensions.k8s.io/v1", "customresourcedefinitions", "shops.x.io")
    cluster.restore(there + 1)
    with pytest.raises(NotFound):
        cluster.list("x.io/v1", "shops")

    cluster.create(DEFINITION)
    assert cluster.list("x.io/v1", "shops") == []
    cluster.create(SHOP)
    cluster.restore(there)
    assert cluster.list("x.io/v1", "shops") == [made]

    cluster.restore(96)
    with pytest.raises(NotFound):
        cluster.create(SHOP)


def test_a_restore_brings_back_the_traits_of_a_resource(cluster: FakeCluster) -> None:
    """A definition that was changed is as it was, and its objects are again what it says."""
    cluster.create(DEFINITION)
    made = cluster.create({**SHOP, "spec": {"size": 1}})
    there = cluster.version
    versions = [
        {**DEFINITION["spec"]["versions"][0], "selectableFields": [{"jsonPath": ".spec.size"}]}
    ]
    changed = {**DEFINITION, "spec": {**DEFINITION["spec"], "versions": versions}}
    cluster.update(changed)
    assert cluster.list("x.io/v1", "shops", fields="spec.size=1") == [made]
    cluster.update({**SHOP, "spec": {"size": 2}})

    cluster.restore(there)

    assert cluster.list("x.io/v1", "shops") == [made]
    with pytest.raises(InvalidRequest):
        cluster.list("x.io/v1", "shops", fields="spec.size=1")
    cluster.update({**SHOP, "spec": {"size": 3}})
    assert cluster.get("x.io/v1", "shops", "s")["spec"] == {"size": 3}


def test_what_was_compacted_of_a_removed_resource_is_gone(cluster: FakeCluster) -> None:
    """History that is forgotten is forgotten of all; the rest is restored."""
    cluster.add_resource("x.io/v1", "shops", "Shop", namespaced=False)
    cluster.create(SHOP)
    for size in (1, 2):
        cluster.update({**SHOP, "spec": {"size": size}})
    cluster.remove_resource("x.io/v1", "shops")
    cluster.compact(97)

    cluster.restore(97)

    assert cluster.get("x.io/v1", "shops", "s")["spec"] == {"size": 1}
    resource = cluster.front.catalogue.named("x.io/v1", "shops")
    assert resource is not None
    history = weakref.ref(log_of(cluster, resource))
    cluster.remove_resource("x.io/v1", "shops")
    assert history() is not None
    cluster.compact()
    gc.collect()
    assert history() is None
    cluster.restore(cluster.version)
    with pytest.raises(NotFound):
        cluster.list("x.io/v1", "shops")


def test_a_cluster_shows_its_state(cluster: FakeCluster) -> None:
    """The repr is one line that tells where it stands."""
    assert repr(cluster) == "<FakeCluster at=95 requests=0 watches=0>"


def log_of(cluster: FakeCluster, resource: Resource) -> Log:
    """Give the log of a resource."""
    state: State = cluster.front.state
    return state.log(resource)
