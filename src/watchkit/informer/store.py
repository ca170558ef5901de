"""Store: what is cached, as its readers see it. They cannot change it; the cache's writer does."""

from __future__ import annotations

import builtins
from collections.abc import Hashable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from functools import partial
from sys import intern
from types import MappingProxyType
from typing import Any, Final, Generic, Protocol, overload

import msgspec
from typing_extensions import TypeVar

from watchkit.core.fields import FieldRequirement, FieldSelector, field_at, parse_fields
from watchkit.core.metadata import ObjectMeta
from watchkit.core.objects import Object
from watchkit.core.selectors import LabelSelector, parse_labels
from watchkit.informer.indexes import Indexes
from watchkit.informer.records import Cached

S = TypeVar("S", default=Object)
D = TypeVar("D")

_OF_METADATA: Final = ("metadata", "kind", "apiVersion")
_PARTIAL: Final = "PartialObjectMetadata"
_set: Final = msgspec.structs.force_setattr


class Keyed(Protocol):
    """What names an object: a request, a change, an Object."""

    @property
    def key(self) -> str:
        """The namespace and the name as "ns/name", or "name" where there is no namespace."""
        ...


class Shelf(Generic[S]):
    """What a cache holds: its writer fills it, its Store reads it.

    Objects are kept by namespace ("" for cluster-scoped ones), then by name: the key of an
    object is made when somebody asks for it, and a namespace is found at once.
    """

    def __init__(self, indexes: Indexes[S], model: type[S] | None) -> None:
        self.indexes = indexes
        self.model = model
        self.spaces: dict[str, dict[str, Cached[S]]] = {}
        self.undecodable: dict[str, Object] = {}
        self.versions: dict[str | None, str | None] = {}
        """The version of each source, by its namespace (None: the source of all of them)."""

    def get(self, key: str) -> Cached[S] | None:
        """Give the record of a key."""
        namespace, _, name = key.rpartition("/")
        return self.of(namespace, name)

    def of(self, namespace: str | None, name: str) -> Cached[S] | None:
        """Give the record of a name in a namespace."""
        space = self.spaces.get(namespace or "")
        return None if space is None else space.get(name)

    def space(self, namespace: str | None) -> dict[str, Cached[S]]:
        """Give what is held of a namespace, by name, to put more into it."""
        name = namespace or ""
        space = self.spaces.get(name)
        if space is None:
            space = self.spaces[name] = {}
        return space

    def is_bare(self, namespace: str | None) -> bool:
        """Whether nothing is held of a namespace, or at all; what cannot be decoded counts."""
        spaces = self.spaces
        return not self.undecodable and not (spaces if namespace is None else spaces.get(namespace))

    def put(self, record: Cached[S]) -> None:
        """Hold a record, in the place of an earlier one of its key."""
        meta = record.meta
        space = self.space(meta.namespace)
        held = space.get(meta.name)
        if held is not None:
            _set(meta, "name", held.meta.name)  # a dictionary keeps the first key that it got
        space[meta.name] = record

    def remove(self, key: str) -> Cached[S] | None:
        """Hold nothing under a key; give what was there."""
        namespace, _, name = key.rpartition("/")
        space = self.spaces.get(namespace, {})
        record = space.pop(name, None)
        if not space:
            self.spaces.pop(namespace, None)
        return record

    def records(self, namespace: str | None = None) -> Iterator[Cached[S]]:
        """Give the records of a namespace, or all."""
        if namespace is not None:
            yield from self.spaces.get(namespace, {}).values()
            return
        for space in self.spaces.values():
            yield from space.values()

    def keys(self, namespace: str | None = None) -> list[str]:
        """Give the keys of a namespace, or all: those of what cannot be decoded, too."""
        names = self.spaces if namespace is None else [namespace]
        prefix = "" if namespace is None else f"{namespace}/"
        keys: list[str] = []
        for name in names:
            before = f"{name}/" if name else ""
            keys += [before + each for each in self.spaces.get(name, ())]
        return keys + [key for key in self.undecodable if key.startswith(prefix)]


class Store(Mapping[str, S]):
    """A read-only mapping of what an informer caches: key ("ns/name", or "name") -> object.

    It is changed between two awaits of yours, never under one: what you iterate over is a
    snapshot of the moment when you began. An object that cannot be decoded into the informer's
    model is absent here, and kept in `undecodable`.
    """

    __slots__ = ("_shelf",)

    def __init__(self, shelf: Shelf[S]) -> None:
        self._shelf = shelf

    def __getitem__(self, key: str) -> S:
        record = self._shelf.get(key)
        if record is None:
            raise KeyError(key)
        return record.value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._shelf.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter([record.meta.key for record in self._shelf.records()])

    def __len__(self) -> int:
        return sum(map(len, self._shelf.spaces.values()))

    def __repr__(self) -> str:
        return f"<Store objects={len(self)} at={self.resource_version}>"

    def keys(self) -> KeysView[str]:
        """The keys of this moment."""
        return self._snapshot().keys()

    def values(self) -> ValuesView[S]:
        """The objects of this moment."""
        return self._snapshot().values()

    def items(self) -> ItemsView[str, S]:
        """The keys and objects of this moment."""
        return self._snapshot().items()

    @overload
    def get(self, key: str | Keyed, /, *, namespace: str | None = None) -> S | None: ...
    @overload
    def get(self, key: str | Keyed, default: S, /, *, namespace: str | None = None) -> S: ...
    @overload
    def get(self, key: str | Keyed, default: D, /, *, namespace: str | None = None) -> S | D: ...
    def get(
        self, key: str | Keyed, default: object = None, /, *, namespace: str | None = None
    ) -> object:
        """The object of a key, of a name in `namespace`, or of what has a `.key`, like a request.

        None (or `default`) where there is none.
        """
        record = self._record(key, namespace)
        return default if record is None else record.value

    def meta(self, key: str | Keyed, /, *, namespace: str | None = None) -> ObjectMeta | None:
        """The metadata of an object, whatever the model; named as in `get`."""
        record = self._record(key, namespace)
        return None if record is None else record.meta

    def list(
        self,
        *,
        namespace: str | None = None,
        labels: str | Mapping[str, str] | None = None,
        fields: str | Mapping[str, str] | None = None,
    ) -> builtins.list[S]:
        """The objects of a namespace (None: of all) that fulfil both selectors.

        Labels have the API's whole grammar, fields its equalities over any dotted path of the
        JSON that is kept; what is absent there is empty, as for the server.

        Raises:
            ValueError: a selector that cannot be read, or that this store cannot answer: with a
                model, fields other than metadata.name and metadata.namespace; in a
                metadata-only cache, those outside the metadata.

        """
        records = self._shelf.records(namespace)
        if labels:
            records = _with_labels(records, parse_labels(labels))
        if fields:
            selector = parse_fields(fields)
            if self._shelf.model is not None:
                _check_answerable(selector.requirements, self._shelf.model)
            records = _with_fields(records, selector)
        return [record.value for record in records]

    def by_index(self, name: str, value: Hashable) -> builtins.list[S]:
        """The objects for which the index function `name` gave `value`.

        Raises:
            ValueError: there is no index of that name.

        """
        return [record.value for record in self._shelf.indexes.found(name, value).values()]

    def keys_by_index(self, name: str, value: Hashable) -> builtins.list[str]:
        """The keys of the objects for which the index function `name` gave `value`.

        Raises:
            ValueError: there is no index of that name.

        """
        return [*self._shelf.indexes.found(name, value)]

    @property
    def resource_version(self) -> str | None:
        """The version that the cache is at; None before its first list, or of several sources."""
        versions = self._shelf.versions
        return next(iter(versions.values())) if len(versions) == 1 else None

    @property
    def undecodable(self) -> Mapping[str, Object]:
        """Objects, as the server sent them, that could not be transformed or decoded, by key."""
        return MappingProxyType(self._shelf.undecodable)

    def _record(self, key: str | Keyed, namespace: str | None) -> Cached[S] | None:
        name = key if isinstance(key, str) else key.key
        return self._shelf.get(name) if namespace is None else self._shelf.of(namespace, name)

    def _snapshot(self) -> dict[str, S]:
        return {record.meta.key: record.value for record in self._shelf.records()}


def share_namespace(meta: ObjectMeta, namespace: str) -> None:
    """Keep one text where many metadata have the same."""
    _set(meta, "namespace", intern(namespace))


def _with_labels(records: Iterator[Cached[S]], selector: LabelSelector) -> Iterator[Cached[S]]:
    return (record for record in records if selector.matches(record.meta.labels))


def _with_fields(records: Iterator[Cached[S]], selector: FieldSelector) -> Iterator[Cached[S]]:
    for record in records:
        if selector.matches(partial(_field, record)):
            yield record


def _field(record: Cached[Any], path: str) -> object:
    match path:
        case "metadata.name":
            return record.meta.name
        case "metadata.namespace":
            return record.meta.namespace
        case _:
            return _field_of_object(record.value, path)


def _field_of_object(subject: Object, path: str) -> object:
    first, _, rest = path.partition(".")
    if subject.kind == _PARTIAL and first not in _OF_METADATA:
        raise ValueError(f"field selector: {path}: only metadata is cached")
    section = subject.get(first)
    return field_at(section, rest) if rest else section


def _check_answerable(requirements: tuple[FieldRequirement, ...], model: type) -> None:
    for each in requirements:
        if each.path not in {"metadata.name", "metadata.namespace"}:
            raise ValueError(
                f"field selector: {each.path}: objects are cached as {model.__name__}, which"
                " leaves metadata.name and metadata.namespace; use an index for more"
            )
