"""Indexes: found by every value, by no old one, and nothing left of what is gone."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.informer.caches import Told, obj
from watchkit.core.objects import Object
from watchkit.informer.records import IndexFailed


def tags(each: Object) -> Iterable[str]:
    """Give the tags of an object, which may be none."""
    return each.get("tags") or ()


def tagged(name: str, version: str, *its: str) -> Object:
    """Make an object with tags."""
    return obj(name, version=version, tags=its)


def test_an_object_is_found_under_each_of_its_values() -> None:
    """Several values, one, or none: an empty iterable means not indexed."""
    told = Told.of(indexers={"tag": tags})
    told.adds(tagged("a", "1", "x", "y"), tagged("b", "2", "y", "y"), tagged("c", "3"))

    assert told.store.keys_by_index("tag", "x") == ["shop/a"]
    assert told.store.keys_by_index("tag", "y") == ["shop/a", "shop/b"]
    assert told.store.by_index("tag", "y") == [told.store["shop/a"], told.store["shop/b"]]
    assert told.store.by_index("tag", "z") == []


def test_an_update_moves_what_it_must_and_shows_the_new_state() -> None:
    """Values gone, values kept, values new."""
    told = Told.of(indexers={"tag": tags})
    told.adds(tagged("a", "1", "x", "y"), tagged("a", "2", "y", "z"))

    assert told.store.keys_by_index("tag", "x") == []
    assert told.store.by_index("tag", "y") == told.store.by_index("tag", "z")
    assert told.store.by_index("tag", "y")[0].resource_version == "2"
    told.adds(tagged("a", "3"))
    assert told.store.keys_by_index("tag", "y") == []
    told.adds(tagged("a", "4", "x"))
    assert told.store.keys_by_index("tag", "x") == ["shop/a"]


STATES = st.lists(
    st.tuples(st.sampled_from("abc"), st.none() | st.sets(st.sampled_from("xyz"))), max_size=20
)


@given(STATES, st.integers(0, 20))
def test_an_index_is_what_its_function_says_of_what_is_cached(
    states: list[tuple[str, set[str] | None]], late: int
) -> None:
    """Whenever it was added; None is a deletion."""
    told = Told.of(indexers={"early": tags})
    for number, (name, its) in enumerate(states, 1):
        if number == late:
            told.cache.add_indexers({"late": tags})
        subject = tagged(name, str(number), *sorted(its or ()))
        told.event("DELETED" if its is None else "MODIFIED", subject)

    for index in ("early", "late")[: 1 + (1 <= late <= len(states))]:
        for value in "xyz":
            found = told.store.by_index(index, value)
            wanted = [each for each in told.store.values() if value in tags(each)]
            assert sorted(found, key=lambda each: each.key) == sorted(
                wanted, key=lambda each: each.key
            )


def test_nothing_is_left_of_a_value_that_nothing_has() -> None:
    """An index over many short-lived values does not grow."""
    told = Told.of(indexers={"tag": tags, "name": lambda each: [each.name]})
    for number in range(50):
        told.adds(tagged(f"a{number}", str(number + 1), f"t{number}"))
    told.adds(tagged("a0", "90"))
    told.lists(tagged("a0", "90"))

    index = told.cache.indexes

    assert index.sizes() == {"tag": 0, "name": 1}


def test_indexes_come_and_go_while_it_runs() -> None:
    """One added late finds what is held; one removed is unknown; a name is taken once."""
    told = Told.of(indexers={"tag": tags}).adds(tagged("a", "1", "x"))
    told.cache.add_indexers({"name": lambda each: [each.name]})

    assert told.store.keys_by_index("name", "a") == ["shop/a"]
    with pytest.raises(ValueError, match="already: tag"):
        told.cache.add_indexers({"new": tags, "tag": tags})
    with pytest.raises(ValueError, match="no index 'new'; there are: tag, name"):
        told.store.by_index("new", "x")
    told.cache.remove_indexer("tag")
    told.adds(tagged("b", "2", "x"))
    with pytest.raises(ValueError, match="no index 'tag'"):
        told.store.keys_by_index("tag", "x")
    with pytest.raises(ValueError, match="no index 'tag'"):
        told.cache.remove_indexer("tag")


@pytest.mark.parametrize(
    "function",
    [lambda each: each.name, lambda _: None, lambda _: [[]], lambda each: each["nope"]],
)
def test_what_gives_no_values_is_reported_and_the_object_is_not_indexed(
    function: object,
) -> None:
    """A string is no iterable of values, though Python says that it is one."""
    told = Told.of(indexers={"bad": function}).adds(obj("a"))

    assert told.store.by_index("bad", "a") == []
    (trouble,) = told.troubles
    assert isinstance(trouble, IndexFailed)


def test_a_function_that_fails_over_a_new_state_forgets_the_old_one() -> None:
    """The index tells nothing rather than what is no longer so."""
    told = Told.of(indexers={"tag": lambda each: each["tags"]}).adds(tagged("a", "1", "x"))

    told.adds(obj("a", version="2"))

    assert told.store.by_index("tag", "x") == []


def test_any_hashable_value_is_one() -> None:
    """A pair of namespace and owner, say."""
    told = Told.of(indexers={"pair": lambda each: [(each.namespace, 1), None]}).adds(obj("a"))

    assert told.store.keys_by_index("pair", ("shop", 1)) == ["shop/a"]
    assert told.store.keys_by_index("pair", None) == ["shop/a"]
