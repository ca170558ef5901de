"""Listing: one consistent list of many pages, or a typed error; equal objects are not kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.manifests import an_object
from watchkit.core.decoding import Page
from watchkit.core.errors import ProtocolError
from watchkit.core.listing import Entry, Listing


def keeping_all() -> Listing:
    """Begin a list of which every object is wanted."""
    return Listing(lambda each: each)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_pages_add_up_to_the_list(sizes: list[int]) -> None:
    """All objects of all pages, in the server's order, and the version they share."""
    listing = keeping_all()
    expected: list[str] = []

    for number, size in enumerate(sizes):
        objects = tuple(an_object(f"web-{number}-{index}") for index in range(size))
        expected += [each.key for each in objects]
        token = f"t{number}" if number < len(sizes) - 1 else ""
        done = listing.add(Page("9", token, objects))
        assert done == (number == len(sizes) - 1)
        assert listing.token == token

    assert list(listing.entries) == expected
    assert listing.version == "9"


def test_an_object_that_is_not_wanted_is_noted_but_not_kept() -> None:
    """What the memory holds already costs an entry, and no second copy."""
    listing = Listing(lambda each: each if each.name == "new" else None)
    listing.add(Page("9", "", (an_object("held", uid="u1", version="3"), an_object("new"))))

    assert listing.entries["shop/held"] == Entry("u1", "3", None)
    assert listing.entries["shop/new"].kept == an_object("new")


@pytest.mark.fault("F57")
def test_pages_of_different_versions_are_no_list() -> None:
    """An object may be on both pages, or on none."""
    listing = keeping_all()
    listing.add(Page("9", "t", ()))

    with pytest.raises(ProtocolError, match="different versions: 9, then 10"):
        listing.add(Page("10", "", ()))


@pytest.mark.fault("F57")
def test_a_key_twice_is_no_list() -> None:
    """On one page, or on two."""
    with pytest.raises(ProtocolError, match="shop/web twice"):
        keeping_all().add(Page("9", "", (an_object(), an_object())))
    listing = keeping_all()
    listing.add(Page("9", "t", (an_object(),)))
    with pytest.raises(ProtocolError, match="shop/web twice"):
        listing.add(Page("9", "", (an_object(),)))


def test_the_same_name_in_two_namespaces_is_two_keys() -> None:
    """A list over all namespaces has both."""
    listing = keeping_all()
    listing.add(Page("9", "", (an_object(namespace="a"), an_object(namespace="b"))))

    assert list(listing.entries) == ["a/web", "b/web"]


@pytest.mark.fault("F57", "F95")
@pytest.mark.parametrize("tokens", [["t", "t"], ["a", "b", "a"]])
def test_a_token_that_repeats_is_no_list(tokens: list[str]) -> None:
    """It would be listed for ever."""
    listing = keeping_all()
    *fine, repeated = tokens
    for token in fine:
        assert not listing.add(Page("9", token, ()))

    with pytest.raises(ProtocolError, match="token came before"):
        listing.add(Page("9", repeated, ()))


def test_initial_events_are_put_and_dropped_one_by_one() -> None:
    """A later state takes an earlier one's place; what is deleted meanwhile is not listed."""
    listing = keeping_all()
    listing.put(an_object("a", version="1"))
    listing.put(an_object("b", version="2"))
    listing.put(an_object("a", version="3"))
    listing.drop("shop/b")
    listing.drop("shop/never there")

    assert {key: each.version for key, each in listing.entries.items()} == {"shop/a": "3"}
