"""What client-go's tests hold stores to: keys, and lists in which not all can be cached."""

from itertools import combinations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.manifests import an_object
from tests.unit.informer.caches import Told, keys, obj
from watchkit.core.objects import Object

NAMES = st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)


class Sized(msgspec.Struct):
    """A model."""

    size: int = 0


BROKEN = [tuple(combination) for n in (1, 2, 5) for combination in combinations("abcde", n)]


@pytest.mark.fault("F37")
@pytest.mark.parametrize("broken", BROKEN, ids="".join)
@pytest.mark.parametrize("initial", [False, True])
def test_broken_objects_of_a_list_lose_no_neighbour(
    broken: tuple[str, ...], *, initial: bool
) -> None:
    """FQ-15: the first, the last, some, all: the others are cached and told of, in order."""
    told = Told.of(model=Sized)
    listing = [obj(name, size="much" if name in broken else 1) for name in "abcde"]
    flag = "!" if initial else "?"

    changes = told.lists(*listing, initial=initial)

    assert changes == [f"+{name} u1 10{flag}" for name in "abcde" if name not in broken]
    assert sorted(told.store.undecodable) == [f"shop/{name}" for name in broken]
    assert told.store.resource_version == "100"


def test_a_list_of_nothing_ends_all_and_one_after_nothing_adds_all() -> None:
    """FQ-19: create from empty, delete all; each once, and nothing twice."""
    told = Told.of()
    three = [obj(name) for name in "abc"]

    assert told.lists(*three) == ["+a u1 10?", "+b u1 10?", "+c u1 10?"]
    assert told.lists(*three) == []
    assert told.lists() == ["-a u1 10?", "-b u1 10?", "-c u1 10?"]
    assert told.lists() == []


def test_a_deletion_replaced_before_anybody_saw_it_is_told_once() -> None:
    """FQ-03, FQ-06: deleted by an event, missing in the list behind it: one Deleted."""
    told = Told.of().adds(obj("a"))

    assert told.event("DELETED", obj("a", version="11")) == ["-a u1 11"]
    assert told.event("DELETED", obj("a", version="11")) == ["@11"]
    assert told.lists() == []


@given(st.sets(st.tuples(st.none() | NAMES, NAMES), max_size=8))
def test_a_key_is_namespace_and_name_and_finds_its_object(
    places: set[tuple[str | None, str]],
) -> None:
    """ST-01, ST-13: whatever the names; there and back."""
    told = Told.of()
    objects: dict[str, Object] = {}
    for namespace, name in places:
        metadata = {"name": name, "uid": f"{namespace}/{name}", "resourceVersion": "5"}
        where = {} if namespace is None else {"namespace": namespace}
        each = Object({"kind": "Thing", "apiVersion": "v1", "metadata": {**metadata, **where}})
        objects[f"{namespace}/{name}" if namespace else name] = each
    told.adds(*objects.values())

    assert dict(told.store) == objects
    for (namespace, name), (key, each) in zip(places, objects.items(), strict=True):
        assert told.store[key] is told.store.get(each) is each
        assert told.store.get(name, namespace=namespace) is each
        assert each.key == key


@pytest.mark.parametrize("malformed", ["", "/", "a/", "/a", "x/shop/a", "shop/a/", "shop//a", " a"])
def test_what_is_no_key_finds_nothing(malformed: str) -> None:
    """ST-13: it is the key of no object, which is all that there is to say of it."""
    store = Told.of().adds(obj("a")).store

    assert malformed not in store
    assert store.get(malformed) is None
    with pytest.raises(KeyError):
        store[malformed]


def test_an_update_is_the_object_now_and_the_one_before_stays_itself() -> None:
    """ST-01: who holds an earlier state has it still; the store has the new one."""
    told = Told.of().adds(an_object("a", version="1", spec={"n": 1}))
    before = told.store["shop/a"]

    told.event("MODIFIED", an_object("a", version="2", spec={"n": 2}))

    assert before["spec"] == {"n": 1}
    assert told.store["shop/a"]["spec"] == {"n": 2}
    assert keys(told.store.list()) == ["shop/a"]
