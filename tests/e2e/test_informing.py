"""The judges of the informers' script see what they are there to see; no server is needed."""

import json
from collections.abc import Mapping

import pytest

from watchkit import Added, Change, Deleted, Object, Updated

from .harness import RecordedRequest
from .informing import begins_a_list
from .told import Told, digest

LAST = "default/a"


def at(uid: str, version: str) -> Object:
    """Give a pod's life at a version."""
    meta = {"namespace": "default", "name": "a", "uid": uid, "resourceVersion": version}
    return Object(json.dumps({"metadata": meta}).encode())


def added(uid: str, version: str) -> Change:
    """Tell that it came."""
    pod = at(uid, version)
    return Added(pod, pod.meta)


def updated(uid: str, version: str) -> Change:
    """Tell that it changed; what it was before is not looked at."""
    pod = at(uid, version)
    return Updated(pod, pod, pod.meta)


def deleted(uid: str, version: str, *, inferred: bool = False) -> Change:
    """Tell that it went."""
    pod = at(uid, version)
    return Deleted(pod, pod.meta, inferred=inferred)


def after(*changes: Change) -> Told:
    """Give what a handler knows after these."""
    told = Told()
    for change in changes:
        told.change(change)
    return told


def test_a_life_told_well_leaves_nothing() -> None:
    """Counted, not wrong; the digest of nothing is that of nothing."""
    told = after(added("u", "1"), updated("u", "2"), deleted("u", "3", inferred=True))

    assert dict(told.counts) == {
        "added": 1,
        "updated": 1,
        "duplicate": 0,
        "replaced": 0,
        "deleted": 1,
        "inferred": 1,
    }
    assert not told.wrong
    assert told.held == {}
    assert told.view().digest == digest({})


def test_what_is_held_and_its_digest_agree() -> None:
    """However it came about: the digest is that of the objects, and changes with each."""
    told = after(added("u", "1"), updated("u", "2"))

    assert told.held == {LAST: ("u", "2")}
    assert told.view().digest == digest(told.held)
    assert told.view().digest != after(added("u", "1")).view().digest


def test_an_update_of_nothing_new_is_a_duplicate() -> None:
    """The same uid and version again."""
    assert after(added("u", "1"), updated("u", "1")).counts["duplicate"] == 1


def test_an_update_to_another_uid_is_a_deletion_that_nobody_was_told() -> None:
    """The former object went, and the handler does not know."""
    assert after(added("u", "1"), updated("v", "2")).counts["replaced"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        [added("u", "1"), added("u", "1")],
        [updated("u", "1")],
        [deleted("u", "1")],
        [added("u", "1"), deleted("v", "2")],
    ],
    ids=["added twice", "updated unknown", "deleted unknown", "deleted another"],
)
def test_what_contradicts_itself_is_wrong(changes: list[Change]) -> None:
    """An add of what is held, an update or a deletion of what is not."""
    assert len(after(*changes).wrong) == 1


@pytest.mark.parametrize(
    ("query", "begins"),
    [
        ({}, True),
        ({"limit": "500"}, True),
        ({"limit": "500", "continue": "x"}, False),
        ({"limit": "1"}, False),
        ({"watch": "true", "resourceVersion": "5"}, False),
        ({"watch": "true", "sendInitialEvents": "true"}, True),
    ],
)
def test_a_list_is_counted_once_however_it_comes(query: Mapping[str, str], *, begins: bool) -> None:
    """In pages or as a stream; a probe is none, nor is what the server refused."""
    request = RecordedRequest(1, "GET", "/api/v1/namespaces/default/pods", query, {}, at=0.0)
    assert not begins_a_list(request)  # not answered yet

    request.status = 200
    assert begins_a_list(request) is begins

    request.status = 429
    assert not begins_a_list(request)
