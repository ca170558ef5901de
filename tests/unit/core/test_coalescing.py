"""Coalescing: an algebra of changes, held against a handler that keeps a plain dict."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.changes import STEPS, History, Step
from tests.unit.core.manifests import an_object
from watchkit.core.coalescing import merged
from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.core.objects import Object

HISTORIES = st.lists(STEPS, max_size=12)


def obj(version: str, uid: str = "u1") -> Object:
    """Make a state of the one object."""
    return an_object("web", uid=uid, version=version)


def added(version: str, uid: str = "u1", *, initial: bool = False, inferred: bool = False) -> Added:
    """Make an Added."""
    new = obj(version, uid)
    return Added(new, new.meta, initial, inferred=inferred)


def updated(old: str, new: str, *, inferred: bool = False, replayed: bool = False) -> Updated:
    """Make an Updated."""
    now = obj(new)
    return Updated(obj(old), now, now.meta, inferred=inferred, replayed=replayed)


def deleted(version: str, *, inferred: bool = False) -> Deleted:
    """Make a Deleted."""
    last = obj(version)
    return Deleted(last, last.meta, inferred=inferred)


@pytest.mark.parametrize(
    ("changes", "net"),
    [
        ([], []),
        ([added("1"), updated("1", "2")], [added("2")]),
        ([added("1"), deleted("2")], []),
        ([added("1"), deleted("2"), added("3", "u2")], [added("3", "u2")]),
        ([updated("1", "2"), updated("2", "3")], [updated("1", "3")]),
        ([updated("1", "2"), deleted("3")], [deleted("3")]),
        ([deleted("1"), added("2", "u2")], [deleted("1"), added("2", "u2")]),
        ([deleted("1"), added("2")], [deleted("1"), added("2")]),
        ([deleted("1"), added("2"), updated("2", "3")], [deleted("1"), added("3")]),
        ([deleted("1"), added("2"), deleted("3")], [deleted("1")]),
    ],
)
def test_what_changes_amount_to(changes: list[Change], net: list[Change]) -> None:
    """The table of the algebra, for a handler that sees only the net effect."""
    assert list(merged((), *changes)) == net


@pytest.mark.parametrize(
    ("changes", "net"),
    [
        ([added("1", initial=True), updated("1", "2")], [added("2", initial=True)]),
        ([added("1", initial=True), deleted("2"), added("3")], [added("3")]),
        ([added("1", inferred=True), updated("1", "2")], [added("2")]),
        ([added("1"), updated("1", "2", inferred=True)], [added("2", inferred=True)]),
        (
            [updated("1", "2"), updated("2", "3", inferred=True)],
            [updated("1", "3", inferred=True)],
        ),
        ([updated("1", "2", inferred=True), updated("2", "3")], [updated("1", "3")]),
        ([updated("1", "2"), deleted("3", inferred=True)], [deleted("3", inferred=True)]),
        (
            [added("1", inferred=True), updated("1", "1", replayed=True)],
            [added("1", inferred=True)],
        ),
        ([updated("1", "2"), updated("2", "2", replayed=True)], [updated("1", "2")]),
        ([updated("1", "1", replayed=True), updated("1", "2")], [updated("1", "2")]),
        (
            [updated("1", "1", replayed=True), updated("1", "1", replayed=True)],
            [updated("1", "1", replayed=True)],
        ),
    ],
)
def test_how_flags_merge(changes: list[Change], net: list[Change]) -> None:
    """`initial` stays with an Added, `inferred` is of the last state, `replayed` adds nothing."""
    assert list(merged((), *changes)) == net


@given(HISTORIES, st.data())
def test_merging_is_associative(history: list[Step], data: st.DataObject) -> None:
    """It does not matter which changes meet first."""
    key = History()
    changes = [each for step in history for each in key.play(step)]
    first = data.draw(st.integers(0, len(changes)))
    second = data.draw(st.integers(first, len(changes)))
    a, b, c = changes[:first], changes[first:second], changes[second:]

    left = merged(merged((), *a, *b), *c)
    right = merged(tuple(merged((), *a)), *merged(merged((), *b), *c))

    assert left == right


class Handler:
    """Takes what is pending, and keeps what it was shown: one object, or none."""

    def __init__(self) -> None:
        self.shown: Object | None = None
        self.ended: list[str] = []

    def take(self, pending: tuple[Change, ...]) -> None:
        """Be shown the net effect of what came since the last time."""
        for change in pending:
            match change:
                case Added(new):
                    assert self.shown is None
                    self.shown = new
                case Updated(old, new):
                    assert old == self.shown
                    self.shown = new
                case Deleted(last):
                    assert self.shown is not None
                    assert self.shown.uid == last.uid
                    self.ended.append(last.uid)
                    self.shown = None


@given(st.lists(STEPS | st.just(("look", False)), max_size=25))
def test_a_slow_handler_ends_where_a_plain_dict_does(history: list[Step]) -> None:
    """The last state wins; each life it saw is ended once; none it did not see is."""
    key, handler = History(), Handler()
    pending: tuple[Change, ...] = ()
    seen: list[str] = []
    for step in [*history, ("look", False)]:
        if step[0] != "look":
            pending = merged(pending, *key.play(step))
            assert len(pending) <= 2
            continue
        handler.take(pending)
        pending = ()
        assert handler.shown == key.key_now
        if handler.shown is not None and handler.shown.uid not in seen:
            seen.append(handler.shown.uid)

    assert handler.ended == seen[: len(seen) - (handler.shown is not None)]


@given(HISTORIES)
def test_merging_never_alters_what_is_pending(history: list[Step]) -> None:
    """What was merged before stays as it was: values, no buffers."""
    key = History()
    pending: tuple[Change, ...] = ()
    for step in history:
        before = tuple(msgspec.structs.replace(each) for each in pending)
        kept, pending = pending, merged(pending, *key.play(step))
        assert kept == before


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (added("1"), added("2")),
        (updated("1", "2"), added("3")),
        (deleted("1"), updated("1", "2")),
        (deleted("1"), updated("1", "1", replayed=True)),
        (deleted("1"), deleted("2")),
    ],
)
def test_what_cannot_follow_is_refused(earlier: Change, later: Change) -> None:
    """A cache never tells these one after the other: to merge them would hide its fault."""
    with pytest.raises(ValueError, match="cannot follow"):
        merged((earlier,), later)


def test_an_update_is_matched_by_what_was_and_what_is() -> None:
    """`case Updated(old, new)`, and `.object` is the new one."""
    change: Change = updated("1", "2")

    match change:
        case Updated(old, new):
            assert (old.resource_version, new.resource_version) == ("1", "2")
            assert change.object is new is change.new
    assert change.type == "UPDATED"
    assert change.resource_version == "2"
    assert repr(change) == "<Updated shop/web uid=u1 at=2>"
