"""Laws of the demo's judge: it finds whatever is not as on the server, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.cli.demo.judging import Mirror, Verdict, divergent, identity_of, judge, same
from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.core.objects import Object

Pods = dict[str, dict[str, Any]]


def pod(name: str, version: int = 1, uid: str = "u", phase: str = "Running") -> dict[str, Any]:
    """Give a pod as a server has it."""
    metadata = {"name": name, "namespace": "shop", "uid": uid, "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": phase}}


def as_object(manifest: dict[str, Any]) -> Object:
    """Give it as a cache has it."""
    return Object(manifest)


def added(manifest: dict[str, Any]) -> Change:
    """Give the change by which it came."""
    obj = as_object(manifest)
    return Added(obj, obj.meta)


def updated(old: dict[str, Any], new: dict[str, Any], *, inferred: bool = False) -> Change:
    """Give the change by which it became another."""
    was, now = as_object(old), as_object(new)
    return Updated(was, now, now.meta, inferred=inferred, old_meta=was.meta)


def deleted(manifest: dict[str, Any]) -> Change:
    """Give the change by which it went."""
    obj = as_object(manifest)
    return Deleted(obj, obj.meta)


def told(*changes: Change) -> Mirror:
    """Give a mirror that was told these."""
    mirror = Mirror()
    for change in changes:
        mirror.take(change)
    return mirror


def judged(served: Pods, cached: Pods) -> Verdict:
    """Judge a cache whose handler knows all that is served."""
    return judge(served, cached, told(*map(added, served.values())))


def test_equal_objects_hold() -> None:
    """Nothing to find."""
    pods = {"shop/a": pod("a"), "shop/b": pod("b", 7)}

    verdict = judged(pods, dict(pods))

    assert verdict.holds
    assert verdict == Verdict(2)


@pytest.mark.parametrize(
    "other",
    [pod("a", 2), pod("a", uid="v"), pod("a", phase="Failed"), pod("b")],
    ids=["version", "uid", "content", "name"],
)
def test_an_object_is_different_in_any_part(other: dict[str, Any]) -> None:
    """Key, uid, version and content, each by itself."""
    verdict = judged({"shop/a": pod("a")}, {"shop/a": other})

    assert verdict.different == ("shop/a",)
    assert not verdict.holds


def test_what_is_on_one_side_only_is_found() -> None:
    """On either side."""
    verdict = judged({"shop/a": pod("a")}, {"shop/b": pod("b")})

    assert (verdict.missing, verdict.ghosts) == (("shop/a",), ("shop/b",))
    assert not verdict.holds


def test_what_the_items_of_a_list_leave_out_is_no_difference() -> None:
    """Kind and version of the API are the list's; where they are said, they count."""
    bare = {name: value for name, value in pod("a").items() if name not in {"kind", "apiVersion"}}

    assert same(pod("a"), bare)
    assert not same(pod("a"), {**bare, "kind": "Node"})


def test_what_a_handler_was_not_told_is_found() -> None:
    """Also where the cache is right."""
    pods = {"shop/a": pod("a", 2), "shop/b": pod("b")}

    verdict = judge(pods, dict(pods), told(added(pod("a", 1)), added(pod("b"))))

    assert verdict.untold == ("shop/a",)
    assert not verdict.holds


def test_a_trouble_that_was_not_survived_does_not_hold() -> None:
    """However right the cache is."""
    assert not judge({}, {}, Mirror(), lost=("a fault",)).holds


@pytest.mark.parametrize(
    "changes",
    [
        [added(pod("a")), added(pod("a"))],
        [added(pod("a")), updated(pod("a"), pod("a"))],
        [added(pod("a", 3)), updated(pod("a", 3), pod("a", 2))],
        [added(pod("a", 1)), updated(pod("a", 2), pod("a", 3))],
        [added(pod("a", 1)), updated(pod("a", 2), pod("a", 3), inferred=True)],
        [updated(pod("a"), pod("a", 2))],
        [deleted(pod("a"))],
        [added(pod("a")), deleted(pod("a")), deleted(pod("a"))],
        [added(pod("a")), deleted(pod("a", uid="v"))],
    ],
    ids=["again", "same", "back", "lost", "lost in a gap", "new", "gone", "gone twice", "other"],
)
def test_a_change_that_does_not_fit_is_a_contradiction(changes: list[Change]) -> None:
    """Lost, twice, or out of order."""
    mirror = told(*changes)

    assert (mirror.contradictions, mirror.told) == (1, len(changes))


def test_changes_that_fit_are_none() -> None:
    """A successor of the same name comes after the end of the one before; a restore goes back."""
    first, second = pod("a", 1), pod("a", 5, uid="v")
    mirror = told(
        added(first),
        updated(first, pod("a", 4)),
        deleted(pod("a", 4)),
        added(second),
        updated(second, pod("a", 3, uid="v"), inferred=True),
    )

    assert mirror.contradictions == 0
    assert mirror.known == {"shop/a": ("v", "3")}


versions = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 3))


@given(versions, versions)
def test_divergence_is_what_differs_and_symmetric(
    one: dict[str, int], other: dict[str, int]
) -> None:
    """The keys that have not the same on both sides."""
    left = {key: identity_of(pod(key, version)) for key, version in one.items()}
    right = {key: identity_of(pod(key, version)) for key, version in other.items()}

    assert divergent(left, right) == divergent(right, left)
    assert divergent(left, right) == {
        key for key in one.keys() | other.keys() if one.get(key) != other.get(key)
    }
