"""Laws of predicates: which changes count, and how they are combined."""

from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit import Added, Change, Deleted, ListerWatcher, Object, SharedInformer, Updated
from watchkit.controllers import annotations_changed, generation_changed, labels_changed
from watchkit.testing import FakeCluster

PREDICATES = {
    "generation": generation_changed,
    "labels": labels_changed,
    "annotations": annotations_changed,
}


def pod(**meta: object) -> Object:
    """Make an object."""
    known = {"name": "web", "generation": 1, "labels": {"a": "1"}, "annotations": {"a": "1"}}
    return Object({"apiVersion": "v1", "kind": "Pod", "metadata": {**known, **meta}})


def updated(new: Object) -> Updated:
    """Make the change of an object into another."""
    return Updated(pod(), new, new.meta)


CHANGES = {
    "generation": updated(pod(generation=2)),
    "labels": updated(pod(labels={"a": "2"})),
    "annotations": updated(pod(annotations={})),
    "nothing": updated(pod(resourceVersion="7")),
}


@pytest.mark.parametrize("what", PREDICATES)
def test_a_predicate_sees_its_own_part_only(what: str) -> None:
    """Of what changed; whatever else did."""
    assert {name for name, change in CHANGES.items() if PREDICATES[what](change)} == {what}


@pytest.mark.parametrize("what", PREDICATES)
def test_what_comes_and_goes_always_counts(what: str) -> None:
    """As in controller-runtime."""
    obj = pod()

    assert PREDICATES[what](Added(obj, obj.meta))
    assert PREDICATES[what](Deleted(obj, obj.meta))


def test_a_replayed_change_is_none() -> None:
    """`resync_period` shows what is there: nothing changed."""
    obj = pod()

    assert not generation_changed(Updated(obj, obj, obj.meta, replayed=True, old_meta=obj.meta))


def test_the_metadata_counts_whatever_the_model() -> None:
    """Without a word of what was before, any change may be one."""
    new = pod(generation=2)

    assert not labels_changed(Updated(1, 2, new.meta, old_meta=pod().meta))
    assert generation_changed(Updated(1, 2, new.meta, old_meta=pod().meta))
    assert labels_changed(Updated(1, 2, new.meta))


@pytest.mark.anyio
async def test_a_handler_takes_one(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """An informer says what was before: also where several changes became one."""
    seen: list[str] = []
    cluster.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}}
    )
    async with SharedInformer(pods, model=dict) as informer:
        informer.add_event_handler(
            on_change=lambda change: seen.append(change.type),
            predicate=labels_changed & ~annotations_changed,
            replay=False,
        )
        await informer.wait_for_sync()
        for labels in ({"a": "1"}, {"a": "1"}, {"a": "2"}):
            cluster.patch("v1", "pods", "shop/a", {"metadata": {"labels": labels}})
            await anyio.sleep(1)
        both = {"metadata": {"labels": {"a": "3"}, "annotations": {"x": "y"}}}
        cluster.patch("v1", "pods", "shop/a", both)
        cluster.patch("v1", "pods", "shop/a", {"spec": {"x": 1}})
        await anyio.sleep(1)

    assert seen == ["UPDATED", "UPDATED"]


@given(st.booleans(), st.booleans())
def test_they_are_combined_as_booleans_are(left: bool, right: bool) -> None:  # noqa: FBT001
    """With each other and with any function, on either side."""

    def one(_: Change[Any]) -> bool:
        return left

    def two(_: Change[Any]) -> bool:
        return right

    change = CHANGES["nothing"]
    always = labels_changed | ~labels_changed
    assert (always & one)(change) is left
    assert (one & always)(change) is left
    assert ((always & one) | two)(change) is (left or right)
    assert (two | (always & one))(change) is (left or right)
    assert (~(always & one))(change) is not left


def test_their_repr_says_what_they_are() -> None:
    """As one would write them."""

    def mine(_: Change[Any]) -> bool:
        return True

    combined = (generation_changed & mine) | ~labels_changed

    assert repr(combined) == "((generation_changed & mine) | ~labels_changed)"
