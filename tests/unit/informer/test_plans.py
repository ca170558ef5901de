"""Lists in the making: planned as they come, held in one step, whatever happens between."""

from collections.abc import Sequence

from tests.unit.informer.caches import Told, keys, obj, said
from watchkit.core.decoding import Page
from watchkit.core.listing import Listing
from watchkit.core.objects import Object
from watchkit.informer.records import Undecodable


def begun(told: Told, *objects: Object, namespace: str | None = None) -> Listing:
    """Begin a list that the cache plans for, as a feed does it."""
    memory = told.memory if namespace is None else told.more[namespace]
    listing = Listing(memory.keep)
    for each in objects:
        listing.put(each)
    return listing


def ended(told: Told, listing: Listing, *, initial: bool = True) -> list[str]:
    """End it; what that changes."""
    listing.version = "100"
    return said(told.memory.replace(listing, initial=initial))


def names(subject: Object) -> Sequence[str]:
    """Index by name."""
    return [subject.name]


def test_a_planned_list_is_held_in_the_order_in_which_it_came() -> None:
    """Over namespaces, too; and nothing of it shows before it is whole."""
    told = Told.of()
    listing = begun(told, obj("b", namespace="z"), obj("a"), obj("c", namespace="z"))
    assert len(told.store) == 0

    assert ended(told, listing) == ["+b u1 10!", "+a u1 10!", "+c u1 10!"]
    assert keys(told.store.list()) == ["shop/a", "z/b", "z/c"]


def test_cluster_scoped_objects_are_planned_as_any() -> None:
    """They have no namespace."""
    told = Told.of()

    assert ended(told, begun(told, obj("a", namespace=None))) == ["+a u1 10!"]
    assert list(told.store) == ["a"]


def test_a_list_that_is_no_first_one_is_inferred() -> None:
    """Nothing was held, as all had gone: what comes is of the gap."""
    told = Told.of()

    assert ended(told, begun(told, obj("a")), initial=False) == ["+a u1 10?"]


def test_what_came_again_while_the_list_streamed_in_is_the_later_one() -> None:
    """A change among the initial events."""
    told = Told.of()
    listing = begun(told, obj("a"), obj("b"), obj("a", version="11"))

    assert ended(told, listing) == ["+a u1 11!", "+b u1 10!"]
    assert told.store["shop/a"].resource_version == "11"


def test_what_was_dropped_while_the_list_streamed_in_is_not_held() -> None:
    """A deletion among the initial events."""
    told = Told.of()
    listing = begun(told, obj("a"), obj("b"))
    listing.drop("shop/a")

    assert ended(told, listing) == ["+b u1 10!"]
    assert list(told.store) == ["shop/b"]


def test_nothing_stays_of_a_list_that_was_thrown_away() -> None:
    """Its objects are not those of the next one."""
    told = Told.of()
    begun(told, obj("a"), obj("b"))

    assert ended(told, begun(told, obj("b", version="11"))) == ["+b u1 11!"]
    assert ended(told, begun(told), initial=False) == ["-b u1 11?"]
    assert ended(told, begun(told, obj("a", version="12"))) == ["+a u1 12!"]


def test_what_turns_undecodable_while_the_list_streams_in_is_not_held() -> None:
    """It is reported when the list is taken, once, and not for every list that is not."""
    told = Told.of(transform=lambda each: each if each.resource_version == "10" else {})
    begun(told, obj("a", version="11"))
    listing = begun(told, obj("a"), obj("b"), obj("a", version="11"))
    assert told.troubles == []

    assert ended(told, listing) == ["+b u1 10!"]
    assert [type(each) for each in told.troubles] == [Undecodable]
    assert list(told.store.undecodable) == ["shop/a"]


def test_what_was_dropped_does_not_make_up_for_what_cannot_be_held() -> None:
    """As many were planned as are listed, but others."""
    told = Told.of(transform=lambda each: None if each.name == "c" else each)
    listing = begun(told, obj("a"), obj("b"), obj("c"))
    listing.drop("shop/a")

    assert ended(told, listing) == ["+b u1 10!"]
    assert list(told.store) == ["shop/b"]


def test_a_list_leaves_other_sources_alone() -> None:
    """Each source has a draft of its own."""
    told = Told.of("shop")
    told.more["bank"] = told.cache.add_source("bank")
    bank = begun(told, obj("b", namespace="bank"), namespace="bank")
    listing = begun(told, obj("a"))
    bank.version = "90"

    assert said(told.more["bank"].replace(bank, initial=True)) == ["+b u1 10!"]
    assert ended(told, listing) == ["+a u1 10!"]
    assert ended(told, begun(told), initial=False) == ["-a u1 10?"]
    assert list(told.store) == ["bank/b"]


def test_an_index_that_comes_while_a_list_does_has_all_of_it() -> None:
    """Its function is asked when the list is taken; one that has gone by then is not missed."""
    told = Told.of(indexers={"old": names})
    listing = begun(told, obj("a"))
    told.cache.add_indexers({"new": names})
    listing.put(obj("b"))
    told.cache.remove_indexer("old")

    assert ended(told, listing) == ["+a u1 10!", "+b u1 10!"]
    assert told.store.keys_by_index("new", "a") == ["shop/a"]
    assert told.store.keys_by_index("new", "b") == ["shop/b"]


def test_a_page_is_planned_before_the_next_one_is_asked_for() -> None:
    """The caller's functions run as objects come: little is left to be done at a stretch."""
    asked: list[str] = []

    def noting(subject: Object) -> Object:
        asked.append(subject.name)
        return subject

    told = Told.of(transform=noting)
    listing = Listing(told.memory.keep)

    assert not listing.add(Page("100", "more", (obj("a"), obj("b"))))
    assert asked == ["a", "b"]
    assert listing.add(Page("100", "", (obj("c"),)))
    assert said(told.memory.replace(listing, initial=True)) == [
        "+a u1 10!",
        "+b u1 10!",
        "+c u1 10!",
    ]
    assert asked == ["a", "b", "c"]


def test_a_list_that_is_taken_twice_changes_nothing_the_second_time() -> None:
    """What it planned is what is held."""
    told = Told.of()
    listing = begun(told, obj("a"))

    assert ended(told, listing) == ["+a u1 10!"]
    assert ended(told, listing) == []
