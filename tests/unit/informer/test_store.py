"""The store as its readers see it: a read-only mapping, selectors, and snapshots."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from tests.unit.informer.caches import Told, keys, obj
from watchkit.core.objects import Object
from watchkit.informer.indexes import Indexes
from watchkit.informer.records import Cached
from watchkit.informer.store import Shelf, Store


@dataclass(frozen=True)
class Request:
    """What names an object, as a reconciler's request does."""

    namespace: str | None
    name: str

    @property
    def key(self) -> str:
        """The key of the object."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def labelled(name: str, namespace: str | None = "shop", **labels: str) -> Object:
    """Make an object with labels."""
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": "10", "labels": labels}
    where = {"namespace": namespace} if namespace else {}
    return Object({"kind": "Pod", "apiVersion": "v1", "metadata": metadata | where, "spec": {}})


WEB = labelled("web", app="web", tier="front")
DB = labelled("db", app="db")
LAB = labelled("web", "lab", app="web")
NODE = labelled("n1", None)


@pytest.fixture
def store() -> Store[Object]:
    """Give a store of three namespaced objects and one that is none."""
    store: Store[Object] = Told.of().adds(WEB, DB, LAB, NODE).store
    return store


def test_it_is_a_mapping_by_key(store: Store[Object]) -> None:
    """Keys are "ns/name", or "name" where there is no namespace."""
    assert store["shop/web"] is WEB
    assert store["n1"] is NODE
    assert sorted(store) == ["lab/web", "n1", "shop/db", "shop/web"]
    assert len(store) == 4
    assert "shop/db" in store
    assert "shop/nope" not in store
    assert 7 not in store
    assert dict(store.items())["lab/web"] is LAB
    assert {*store.keys()} == {*store}
    assert keys([*store.values()]) == sorted(store)
    with pytest.raises(KeyError, match="shop/nope"):
        store["shop/nope"]


def test_an_object_is_had_by_key_by_name_and_by_request(store: Store[Object]) -> None:
    """What has a `.key` names it too: a request, a change, an Object."""
    assert store.get("shop/web") is WEB
    assert store.get("web", namespace="lab") is LAB
    assert store.get(Request("shop", "db")) is DB
    assert store.get(Request(None, "n1")) is NODE
    assert store.get(obj("web")) is WEB
    assert store.get("shop/nope") is None
    assert store.get("web") is None
    assert store.get("web", namespace="other") is None
    assert store.get("shop/nope", "default") == "default"


def test_metadata_is_had_whatever_the_model() -> None:
    """Labels, owners and times are not the model's to have."""
    told = Told.of(model=msgspec.defstruct("Nothing", []))
    told.adds(WEB)

    meta = told.store.meta("shop/web")

    assert meta is not None
    assert meta.labels == {"app": "web", "tier": "front"}
    assert told.store.meta("web", namespace="shop") is meta
    assert told.store.meta("shop/nope") is None


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({}, ["lab/web", "n1", "shop/db", "shop/web"]),
        ({"namespace": "shop"}, ["shop/db", "shop/web"]),
        ({"namespace": "nope"}, []),
        ({"labels": "app in (web)"}, ["lab/web", "shop/web"]),
        ({"labels": {"app": "web"}, "namespace": "shop"}, ["shop/web"]),
        ({"labels": "!tier,app"}, ["lab/web", "shop/db"]),
        ({"labels": ""}, ["lab/web", "n1", "shop/db", "shop/web"]),
        ({"fields": "metadata.name=web"}, ["lab/web", "shop/web"]),
        ({"fields": "metadata.namespace="}, ["n1"]),
        ({"fields": {"metadata.namespace": "lab"}}, ["lab/web"]),
        ({"fields": "metadata.uid!=uid-web"}, ["n1", "shop/db"]),
        ({"fields": "kind=Pod", "labels": "app=db"}, ["shop/db"]),
        ({"fields": "spec.nodeName="}, ["lab/web", "n1", "shop/db", "shop/web"]),
        ({"fields": "status.phase.deeper!="}, []),
    ],
)
def test_list_asks_for_namespace_labels_and_fields(
    store: Store[Object],
    question: dict[str, Any],
    found: list[str],
) -> None:
    """All of what is asked must hold."""
    assert keys(store.list(**question)) == found


@pytest.mark.parametrize(
    "question",
    [{"labels": "a in b"}, {"fields": "metadata.name"}, {"fields": "metadata.labels=x"}],
)
def test_a_selector_that_cannot_be_read_or_answered_raises(
    store: Store[Object], question: dict[str, Any]
) -> None:
    """An empty answer would be taken for the truth."""
    with pytest.raises(ValueError, match="selector"):
        store.list(**question)


def test_with_a_model_only_name_and_namespace_are_fields() -> None:
    """The JSON is not kept: asking for more raises, were the store empty or not."""
    told = Told.of(model=msgspec.defstruct("Small", []))

    with pytest.raises(ValueError, match=r"spec\.nodeName: objects are cached as Small"):
        told.store.list(fields="metadata.name=web,spec.nodeName=n1")
    told.adds(WEB, DB)
    assert len(told.store.list(fields="metadata.name=web,metadata.namespace=shop")) == 1


def test_a_metadata_only_cache_answers_for_metadata_only() -> None:
    """What was never asked for cannot be told from what is empty."""
    partial = {**WEB, "kind": "PartialObjectMetadata"}
    store = Told.of().adds(Object(partial)).store

    assert keys(store.list(fields="metadata.uid=uid-web")) == ["shop/web"]
    with pytest.raises(ValueError, match="only metadata is cached"):
        store.list(fields="status.phase=Running")


def test_what_is_iterated_over_is_a_snapshot() -> None:
    """A change in the middle of a loop neither breaks it nor shows in it."""
    told = Told.of().adds(WEB, DB)
    loops = [iter(told.store), iter(told.store.items()), iter(told.store.values())]

    told.lists()

    assert [len([*loop]) for loop in loops] == [2, 2, 2]


@pytest.mark.fault("F73")
def test_readers_cannot_write(store: Store[Object]) -> None:
    """Neither the mapping nor what it gives can be changed."""
    anything: Any = store
    with pytest.raises(TypeError):
        anything["shop/web"] = DB
    with pytest.raises(TypeError):
        anything.undecodable["shop/web"] = DB
    with pytest.raises(AttributeError):
        anything.more = 1
    store.list().clear()
    store["shop/web"]["metadata"]["labels"].clear()

    assert store["shop/web"].labels == {"app": "web", "tier": "front"}
    assert len(store.list()) == 4


def test_a_repr_shows_how_many_and_at_which_version() -> None:
    """And nothing of what they hold."""
    told = Told.of()

    assert repr(told.store) == "<Store objects=0 at=None>"
    told.lists(WEB)
    assert repr(told.store) == "<Store objects=1 at=100>"


def test_nothing_is_left_of_a_namespace_without_objects() -> None:
    """Namespaces come and go; a cache of all of them does not grow by that."""
    shelf = Shelf[Object](Indexes(lambda _: None), None)
    shelf.put(Cached(WEB, WEB.meta, 0))
    shelf.put(Cached(DB, DB.meta, 0))

    assert shelf.remove("shop/web") is not None
    assert shelf.remove("shop/web") is None
    assert shelf.remove("lab/web") is None
    assert shelf.remove("shop/db") is not None
    assert shelf.spaces == {}
