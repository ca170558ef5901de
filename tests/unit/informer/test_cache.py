"""The cache's writer: what each event and each list changes, and that no reader sees half of it."""

import json
import sys
from typing import Any

import msgspec
import pytest

from tests.unit.core.manifests import compact
from tests.unit.informer.caches import Told, obj, said
from watchkit.core.decoding import Verb
from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.core.ledger import Memory
from watchkit.core.objects import Object
from watchkit.informer.records import IndexFailed, Undecodable

HELD = obj("a", "u1", "10")


def test_an_event_changes_the_store_and_says_what_it_changed() -> None:
    """ADDED, MODIFIED and DELETED are Added, Updated with what was, and Deleted."""
    told = Told.of()

    assert told.event("ADDED", obj("a", version="1")) == ["+a u1 1"]
    assert told.event("MODIFIED", obj("a", version="2")) == ["~a u1 1>2"]
    assert told.store["shop/a"].resource_version == "2"
    assert told.event("DELETED", obj("a", version="3")) == ["-a u1 3"]
    assert len(told.store) == 0


def test_what_the_store_says_already_is_what_decides_not_the_events_name() -> None:
    """An ADDED of a held object is an update; a MODIFIED of one not held adds it."""
    told = Told.of().adds(HELD)

    assert told.event("ADDED", obj("a", version="11")) == ["~a u1 10>11"]
    assert told.event("MODIFIED", obj("b")) == ["+b u1 10"]


@pytest.mark.fault("F42")
@pytest.mark.parametrize(
    ("verb", "version", "asked", "passes"),
    [
        ("MODIFIED", "11", None, True),
        ("MODIFIED", "10", None, False),
        ("ADDED", "9", None, False),
        ("MODIFIED", "11", "20", False),
        ("DELETED", "10", "10", True),
        ("DELETED", "9", None, False),
    ],
)
def test_stale_events_change_nothing_and_are_not_taken(
    verb: Verb, version: str, asked: str | None, *, passes: bool
) -> None:
    """Of the version held, or of the version asked for: the feed's own rule."""
    told = Told.of().adds(HELD)
    told.asked = asked

    assert bool(told.event(verb, obj("a", version=version))) is passes
    if not passes:
        assert told.store["shop/a"] is HELD


def test_an_event_that_changes_nothing_is_taken_all_the_same() -> None:
    """The deletion of what was never held: its version counts as progress."""
    told = Told.of()

    assert told.event("DELETED", obj("a", version="12")) == ["@12"]
    assert told.store.resource_version == "12"


@pytest.mark.parametrize("verb", ["ADDED", "MODIFIED"])
def test_another_uid_under_a_held_key_ends_the_one_held_first(verb: Verb) -> None:
    """UID change = Deleted(old, inferred) + Added(new)."""
    told = Told.of().adds(HELD)

    assert told.event(verb, obj("a", "u2", "12")) == ["-a u1 10?", "+a u2 12"]
    assert told.store["shop/a"].uid == "u2"


def test_the_deletion_of_a_successor_never_seen_ends_the_one_held() -> None:
    """Its own Added was missed, so only what readers saw is Deleted."""
    told = Told.of().adds(HELD)

    assert told.event("DELETED", obj("a", "u2", "12")) == ["-a u1 10?"]


def test_a_list_replaces_what_is_held_deletions_first() -> None:
    """Deleted, then Added and Updated in the list's order; what is equal causes nothing."""
    told = Told.of().adds(*(obj(name) for name in "abcd"))

    changes = told.lists(obj("e"), obj("d", "u2", "11"), obj("c", version="12"), obj("b"))

    assert changes == ["-a u1 10?", "-d u1 10?", "+e u1 10?", "+d u2 11?", "~c u1 10>12?"]
    assert [*told.store] == ["shop/b", "shop/c", "shop/e", "shop/d"]
    assert told.store.resource_version == "100"


def test_an_initial_list_says_that_it_is_initial() -> None:
    """What it adds was there before the watching began; a fault of the feed aside, all of it."""
    told = Told.of()

    assert told.lists(HELD, initial=True) == ["+a u1 10!"]


@pytest.mark.parametrize("stream", [False, True])
def test_equal_objects_of_a_list_cause_no_change_and_stay_the_same_object(*, stream: bool) -> None:
    """Equal ones are shared: the list's copy is dropped."""
    told = Told.of().adds(HELD)

    assert told.lists(obj("a"), stream=stream) == []
    assert told.store["shop/a"] is HELD


@pytest.mark.parametrize("stream", [False, True])
def test_equal_objects_of_a_list_cost_no_call_of_the_transform(*, stream: bool) -> None:
    """A relist of what is held already is cheap."""
    calls: list[Object] = []
    told = Told.of(transform=lambda each: calls.append(each) or each).adds(HELD)

    told.lists(obj("a"), stream=stream)

    assert calls == [HELD]


def test_a_list_may_lower_a_version() -> None:
    """A list says what is; only events can be stale."""
    told = Told.of().adds(HELD)

    assert told.lists(obj("a", version="7")) == ["~a u1 10>7?"]


@pytest.mark.parametrize("stream", [False, True])
def test_after_a_restore_equal_versions_are_compared_by_content(*, stream: bool) -> None:
    """An object with the same uid and version is Updated unless its content is equal."""
    told = Told.of().adds(obj("a"), obj("b"), obj("c"))
    told.memory.forget_versions()

    changes = told.lists(obj("a"), obj("b", data={"k": "v"}), version="50", stream=stream)

    assert changes == ["-c u1 10?", "~b u1 10>10?"]
    assert told.store.resource_version == "50"
    assert told.lists(obj("a"), obj("b", data={"k": "v"})) == []
    assert told.event("MODIFIED", obj("a", version="9")) == []


def test_after_a_restore_lower_versions_are_no_longer_stale() -> None:
    """The versions held are forgotten; those that come are measured again."""
    told = Told.of().adds(HELD)
    told.memory.forget_versions()

    assert told.event("MODIFIED", obj("a", version="4")) == ["~a u1 10>4"]
    assert told.event("MODIFIED", obj("a", version="3")) == []


def test_after_a_restore_an_equal_object_of_an_event_is_held_again() -> None:
    """Its content is as it was: no change, and its version measures again."""
    told = Told.of().adds(HELD)
    told.memory.forget_versions()

    assert told.event("MODIFIED", obj("a")) == ["@10"]
    assert told.event("MODIFIED", obj("a")) == []


def test_opaque_versions_are_never_stale_and_equal_ones_change_nothing() -> None:
    """What cannot be compared is taken as it comes."""
    told = Told.of().adds(obj("a", version="x"))

    assert told.event("MODIFIED", obj("a", version="x")) == ["@x"]
    assert told.event("MODIFIED", obj("a", version="w")) == ["~a u1 x>w"]


@pytest.mark.fault("F49")
def test_bookmarks_move_the_version_forward_only() -> None:
    """A position never goes back, save by a list."""
    told = Told.of().adds(HELD)

    told.memory.advance("40")
    told.memory.advance("30")

    assert told.store.resource_version == "40"
    assert told.lists(HELD, version="20") == []
    assert told.store.resource_version == "20"


class Pod(msgspec.Struct):
    """What a reader wants of a pod."""

    phase: str = ""
    size: int = 0


def test_a_model_is_what_readers_get_and_identity_is_the_metadatas() -> None:
    """`model=` decodes; key, uid, version and labels do not depend on it."""
    told = Told.of(model=Pod)

    (change,) = told.memory.apply("ADDED", obj("a", phase="up"), None)

    assert isinstance(change, Added)
    assert change.object == told.store["shop/a"] == Pod("up")
    assert (change.key, change.uid) == ("shop/a", "u1")
    (change,) = told.memory.apply("DELETED", obj("a", version="11", phase="gone"), None)
    assert isinstance(change, Deleted)
    assert change.object == Pod("gone")


@pytest.mark.fault("F37")
def test_what_cannot_be_decoded_is_absent_and_kept_aside() -> None:
    """Deleted, inferred, if one was cached; reported once per version; back once it decodes."""
    told = Told.of(model=Pod)
    told.adds(obj("a", phase="up"))
    bad = obj("a", version="11", size="much")

    assert told.event("MODIFIED", bad) == ["-a u1 10?"]
    assert "shop/a" not in told.store
    assert told.store.undecodable == {"shop/a": bad}
    (trouble,) = told.troubles
    assert isinstance(trouble, Undecodable)
    assert (trouble.key, trouble.uid, trouble.resource_version) == ("shop/a", "u1", "11")

    assert told.lists(bad) == told.lists(bad, stream=True) == []
    told.event("MODIFIED", obj("a", version="11", size="much"))
    assert len(told.troubles) == 1
    assert told.event("MODIFIED", obj("a", version="12", size="more")) == ["@12"]
    assert len(told.troubles) == 2
    assert told.event("MODIFIED", obj("a", version="13")) == ["+a u1 13"]
    assert not told.store.undecodable


def test_what_cannot_be_decoded_is_looked_at_again_when_its_content_changes() -> None:
    """After a restore the same version may mean another content."""
    told = Told.of(model=Pod)
    told.lists(obj("a", size="much"), initial=True)
    told.memory.forget_versions()

    assert told.lists(obj("a", size=7)) == ["+a u1 10?"]
    assert not told.store.undecodable


def test_what_cannot_be_decoded_and_goes_leaves_nothing() -> None:
    """Deleted by an event or missing in a list: no reader saw it, so nothing is told."""
    told = Told.of(model=Pod)
    bad = [obj("a", size="much"), obj("b", size="much")]

    assert told.lists(*bad, initial=True) == []
    assert told.event("DELETED", bad[0]) == ["@10"]
    assert told.lists() == []
    assert not told.store.undecodable


def test_a_last_state_that_cannot_be_decoded_is_the_one_held() -> None:
    """The deletion itself is never lost for that."""
    told = Told.of(model=Pod).adds(obj("a", phase="up"))

    (change,) = told.memory.apply("DELETED", obj("a", version="11", size="much"), None)

    assert isinstance(change, Deleted)
    assert said([change]) == ["-a u1 10"]
    assert change.object == Pod("up")
    assert told.troubles == []


def test_with_a_model_the_json_is_not_kept() -> None:
    """Neither the model nor the metadata holds on to the bytes that they were read from."""
    told = Told.of(model=Pod)
    metadata = {"name": "a", "uid": "u1", "resourceVersion": "10"}
    lists = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["e"]}
    owners = [{"apiVersion": "v1", "kind": "Owner", "name": "o", "uid": "u2"}]
    raw = compact({"metadata": {**metadata, **lists, "ownerReferences": owners}})
    alone = sys.getrefcount(raw)

    told.adds(Object(raw))

    assert sys.getrefcount(raw) == alone
    assert told.store.meta("a").labels == {"a": "b"}
    assert told.store.meta("a").owner_references[0].name == "o"


def test_equal_models_are_equal_content_after_a_restore() -> None:
    """Where the JSON is not kept, what readers see decides: the model and the metadata."""
    told = Told.of(model=Pod).adds(obj("a", phase="up"), obj("b", phase="up"))
    told.memory.forget_versions()

    changes = told.lists(obj("a", phase="up", more=1), obj("b", phase="down"))

    assert changes == ["~b u1 >10?"]


def test_after_a_restore_other_metadata_is_other_content() -> None:
    """Labels are readers' to see, whatever the model leaves out."""
    told = Told.of(model=Pod).adds(obj("a"))
    told.memory.forget_versions()
    labelled = obj("a").to_dict()
    labelled["metadata"]["labels"] = {"app": "web"}

    assert told.lists(Object(labelled)) == ["~a u1 >10?"]


def test_after_a_restore_the_same_content_in_other_words_is_no_change() -> None:
    """Lists and watches need not spell an object alike."""
    told = Told.of().adds(HELD)
    told.memory.forget_versions()

    assert told.lists(Object(json.dumps(HELD.to_dict(), indent=1).encode())) == []


def test_after_a_restore_content_too_deep_to_compare_is_other_content() -> None:
    """It is passed on rather than trusted to be equal."""
    deep = obj("a").raw[:-1] + b',"spec":' + b"[" * 600 + b"]" * 600 + b"}"
    told = Told.of().adds(Object(deep))
    told.memory.forget_versions()

    assert told.lists(Object(deep.replace(b"[[", b"[ [", 1))) == ["~a u1 10>10?"]


def test_the_model_object_is_no_model() -> None:
    """The very object is cached, and its JSON answers for its fields."""
    told = Told.of(model=Object).adds(HELD)

    assert told.store.list(fields="kind=ConfigMap") == [HELD]
    assert told.store["shop/a"] is HELD


def keep_small(subject: Object) -> Object | None:
    """Leave out objects named big, and the status of all others."""
    return None if subject.name == "big" else subject.without("status")


def test_what_the_transform_returns_is_what_is_kept() -> None:
    """Raw bytes included; None is not cached, and ends what was."""
    told = Told.of(transform=keep_small)

    assert told.event("ADDED", obj("a", status={"x": 1})) == ["+a u1 10"]
    assert b"status" not in told.store["shop/a"].raw
    assert told.event("ADDED", obj("big", version="12")) == ["@12"]
    assert told.lists(obj("a", status={"x": 2}), obj("big", version="12")) == []


def test_an_object_that_the_transform_no_longer_wants_is_deleted() -> None:
    """It leaves the cache, so whoever saw it is told."""
    told = Told.of(transform=lambda each: None if each.get("hidden") else dict(each))
    told.adds(obj("a"))

    assert told.event("MODIFIED", obj("a", version="11", hidden=True)) == ["-a u1 10?"]
    assert told.event("MODIFIED", obj("a", version="12")) == ["+a u1 12"]
    assert not told.troubles


def a_fault(_: Object) -> Object:
    """Fail, as callers' functions do."""
    raise RuntimeError("no")


@pytest.mark.parametrize(
    "transform", [a_fault, lambda _: obj("other"), lambda _: obj("a", version="11")]
)
def test_a_transform_that_fails_or_changes_identity_makes_the_object_undecodable(
    transform: Any,  # noqa: ANN401
) -> None:
    """One bad object breaks nothing else, and is found under its key."""
    told = Told.of(transform=transform)

    assert told.event("ADDED", HELD) == ["@10"]
    assert told.store.undecodable == {"shop/a": HELD}
    assert isinstance(told.troubles[0], Undecodable)


def test_no_function_of_the_caller_sees_half_a_list() -> None:
    """Transforms, models and index functions have all run before the first object changes."""
    seen: list[list[str]] = []
    told = Told.of(
        transform=lambda each: seen.append([*told.store]) or each,
        indexers={"all": lambda _: [seen.append([*told.store])]},
    )
    told.adds(HELD)
    seen.clear()

    told.lists(obj("b"), obj("c"), obj("a", "u2", "11"))

    assert seen == [["shop/a"]] * 6


def test_several_sources_fill_one_store() -> None:
    """Each list replaces its own namespace only; the store's version is then unknown."""
    told = Told.of("shop")
    other = told.cache.add_source("lab")
    there = obj("a", namespace="lab")
    told.adds(HELD)

    assert said(other.apply("ADDED", there, None)) == ["+a u1 10"]
    assert told.lists() == ["-a u1 10?"]
    assert [*told.store] == ["lab/a"]
    assert told.store.resource_version is None
    assert said(told.cache.remove_source("lab")) == ["-a u1 10?"]
    assert told.store.resource_version == "100"
    assert [*told.store] == []


def test_a_source_that_goes_takes_what_is_undecodable_along() -> None:
    """Nothing of a namespace stays that nobody watches."""
    told = Told.of("shop", model=Pod)
    told.event("ADDED", obj("a", size="much"))
    told.cache.add_source("sho")

    assert said(told.cache.remove_source("sho")) == []
    assert told.store.undecodable
    told.cache.remove_source("shop")

    assert not told.store.undecodable


@pytest.mark.parametrize(("first", "second"), [("a", "a"), (None, "a"), ("a", None), (None, None)])
def test_sources_are_of_disjoint_namespaces(first: str | None, second: str | None) -> None:
    """Two sources over one object would fight for it."""
    told = Told.of(first)

    with pytest.raises(ValueError, match="disjoint"):
        told.cache.add_source(second)


def test_a_source_is_a_memory_of_changes() -> None:
    """It is what drives a list+watch: the protocol, with changes for events."""
    told = Told.of()
    memory: Memory[Change[Object]] = told.memory

    assert said(memory.apply("ADDED", HELD, None)) == ["+a u1 10"]
    assert memory.keep(obj("a")) is None
    assert memory.keep(obj("a", version="11")) is not None
    assert memory.keep(obj("b")) is not None


def test_an_index_function_that_fails_is_reported_by_name_and_stops_nobody() -> None:
    """The object is cached, and found by the other indexes."""
    told = Told.of(indexers={"bad": a_fault, "good": lambda each: [each.name]})

    assert told.event("ADDED", HELD) == ["+a u1 10"]
    assert told.store.keys_by_index("good", "a") == ["shop/a"]
    (trouble,) = told.troubles
    assert isinstance(trouble, IndexFailed)
    assert (trouble.index, trouble.key, trouble.resource_version) == ("bad", "shop/a", "10")
    assert isinstance(trouble.error, RuntimeError)


def test_strings_that_two_states_share_are_kept_once() -> None:
    """The name of an update is that of the object that it updates; a namespace is kept once."""
    told = Told.of()
    told.adds(obj("a", version="10"), obj("b", version="11"))
    (change,) = told.memory.apply("MODIFIED", obj("a", version="12"), None)

    assert isinstance(change, Updated)
    assert change.new.meta.name is change.old.meta.name
    assert told.store["shop/b"].meta.namespace is change.old.meta.namespace
