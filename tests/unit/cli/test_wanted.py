"""Laws of what is asked for: how words are read, what is kept, what is missing, in which order."""

import pytest

from tests.unit.cli.examples import added, deleted, pod
from watchkit.cli.wanted import Wanted, absence, event_of, in_order, wanted
from watchkit.core.events import Modified, Updated
from watchkit.core.objects import Object
from watchkit.core.options import ListOptions, list_query


@pytest.mark.parametrize(
    ("words", "resource", "names"),
    [
        (["pods"], "pods", ()),
        (["pods", "b", "a"], "pods", ("b", "a")),
        (["pods", "a", "a"], "pods", ("a",)),
        (["pod/a"], "pod", ("a",)),
        (["deploy.apps/a", "deploy.apps/b"], "deploy.apps", ("a", "b")),
    ],
)
def test_words_are_read_as_kubectl_reads_them(
    words: list[str], resource: str, names: tuple[str, ...]
) -> None:
    """A type and names, or both in one word; a name that comes twice counts once."""
    assert wanted(words) == Wanted(resource, names)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["pods", "pod/a"], "not both at once"),
        (["pod/a", "b"], "not both at once"),
        (["pod/a", "svc/b"], "one TYPE at a time, not pod and svc"),
        (["pod/"], "'' is no NAME"),
        (["/a"], "'' is no TYPE"),
        (["pod/a/b"], "'a/b' is no NAME"),
        ([""], "'' is no TYPE"),
        (["pods", ""], "'' is no NAME"),
    ],
)
def test_words_that_make_no_sense_are_refused(words: list[str], why: str) -> None:
    """With what is wrong, rather than a request that cannot be meant."""
    with pytest.raises(ValueError, match=why):
        wanted(words)


@pytest.mark.parametrize(
    ("names", "field_selector"),
    [((), "status.phase=Running"), (("a",), "metadata.name=a"), (("a", "b"), None)],
)
def test_the_server_selects_one_name(names: tuple[str, ...], field_selector: str | None) -> None:
    """So that one object is no list of thousands; of several names, none of its selectors tells."""
    selection = ListOptions(field_selector=None if names else "status.phase=Running")

    query = list_query(Wanted("pods", names, selection).options)

    assert query.get("fieldSelector") == field_selector


def test_only_what_is_wanted_is_kept() -> None:
    """Objects of other names never enter the cache, and managed fields only where asked for."""
    managed = pod("a", metadata={"managedFields": [{"manager": "x"}]})

    assert Wanted("pods", managed_fields=True).kept(managed) is managed
    stripped = Wanted("pods").kept(managed)
    assert stripped is not None
    assert b"managedFields" not in stripped.raw
    assert Wanted("pods", ("b",)).kept(managed) is None
    assert Wanted("pods", ("b", "a")).kept(managed) is not None


def test_what_is_missing_is_named_as_asked() -> None:
    """In the order of the command line; the same name in another namespace counts as there."""
    objects = [pod("b", "shop"), pod("b", "bank")]

    assert Wanted("pods", ("c", "b", "a")).missing(objects) == ["c", "a"]
    assert Wanted("pods").missing([]) == []


def test_absence_is_said_in_one_line() -> None:
    """With the namespace, where there is one to look at."""
    assert absence("a", "pods", "shop") == 'pods "a" not found in shop'
    assert absence("a", "nodes", None) == 'nodes "a" not found'


def test_objects_are_sorted_by_namespace_then_name() -> None:
    """As the server's own key would have it, whatever order they came in."""
    objects = [pod("a", "shop"), pod("b", "bank"), pod("a", "bank"), pod("z", None)]

    assert [each.key for each in in_order(objects)] == ["z", "bank/a", "bank/b", "shop/a"]


def test_a_change_of_the_cache_is_shown_as_the_event_that_it_is() -> None:
    """What was updated was modified; coming and going have one name in both."""
    old, new = pod("a"), Object(pod("a", status={"phase": "Failed"}).raw)
    event = event_of(Updated(old, new, new.meta, inferred=True))

    assert isinstance(event, Modified)
    assert (event.object, event.meta, event.inferred) == (new, new.meta, True)
    assert event_of(added(new)) == added(new)
    assert event_of(deleted(new)) == deleted(new)
