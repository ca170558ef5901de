"""Indexes over the cache: which objects have a value, for functions that give values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias

from watchkit.informer.records import Cached, IndexFailed, T, Trouble

Indexer: TypeAlias = Callable[[T], Iterable[Hashable]]
"""Gives the values under which an object is to be found; none: the index lacks it."""

Values: TypeAlias = tuple[tuple[Hashable, ...], ...]
"""What each index, in their order, has said of one object."""


@dataclass(slots=True, eq=False)
class _Bucket(Generic[T]):
    """The objects that have one value, by key, in the order in which they got it."""

    value: Hashable
    records: dict[str, Cached[T]] = field(default_factory=dict[str, Cached[T]])


class _Index(Generic[T]):
    """One index. A value that nothing has any more leaves no trace."""

    def __init__(self, function: Indexer[T]) -> None:
        self.function = function
        # Each alone in a tuple: that is what is kept of every object with no other value.
        self.buckets: dict[Hashable, tuple[_Bucket[T]]] = {}
        self._of: dict[str, tuple[_Bucket[T], ...]] = {}

    def put(self, key: str, record: Cached[T], values: tuple[Hashable, ...]) -> None:
        """Let an object be found under these values, and under no others."""
        before = self._of.get(key, ())
        if len(values) == 1:
            alone = self._bucket(values[0])
            if alone is before or not before:  # as most often
                alone[0].records[key] = record
                self._of[key] = alone
                return
        after = tuple(self._bucket(value)[0] for value in values)
        for bucket in before:
            if bucket not in after:
                self._leave(bucket, key)
        for bucket in after:
            bucket.records[key] = record
        if after:
            self._of[key] = after
        elif before:
            del self._of[key]

    def remove(self, key: str) -> None:
        """Let an object be found no longer."""
        for bucket in self._of.pop(key, ()):
            self._leave(bucket, key)

    def _bucket(self, value: Hashable) -> tuple[_Bucket[T]]:
        return self.buckets.get(value) or self.buckets.setdefault(value, (_Bucket(value),))

    def _leave(self, bucket: _Bucket[T], key: str) -> None:
        del bucket.records[key]
        if not bucket.records:
            del self.buckets[bucket.value]


class Indexes(Generic[T]):
    """All indexes of a cache, by name."""

    def __init__(self, report: Callable[[Trouble], None]) -> None:
        self._report = report
        self._indexes: dict[str, _Index[T]] = {}
        self.edition: int = 0
        """Another one since an index was added or removed: what `values` said before is not all."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._indexes)

    def values(self, key: str, record: Cached[T]) -> Values:
        """Ask every index function about an object; one that fails is reported, and says none."""
        asked = self._indexes.items()
        return tuple([self._ask(name, index.function, key, record) for name, index in asked])

    def put(self, key: str, record: Cached[T], values: Values) -> None:
        """Let an object be found as `values` says, which these indexes have given."""
        for index, its in zip(self._indexes.values(), values, strict=True):
            index.put(key, record, its)

    def remove(self, key: str) -> None:
        """Let an object be found no longer."""
        for index in self._indexes.values():
            index.remove(key)

    def sizes(self) -> dict[str, int]:
        """How many values each index knows."""
        return {name: len(index.buckets) for name, index in self._indexes.items()}

    def add(self, indexers: Mapping[str, Indexer[T]], records: Mapping[str, Cached[T]]) -> None:
        """Add indexes over these objects.

        Raises:
            ValueError: there is an index of such a name already; none is added then.

        """
        if taken := sorted(indexers.keys() & self._indexes.keys()):
            raise ValueError(f"there is an index of that name already: {', '.join(taken)}")
        new = {name: _Index(function) for name, function in indexers.items()}
        for name, index in new.items():
            for key, record in records.items():
                index.put(key, record, self._ask(name, index.function, key, record))
        self._indexes.update(new)
        self.edition += 1

    def drop(self, name: str) -> None:
        """Remove an index.

        Raises:
            ValueError: there is none of that name.

        """
        self._named(name)
        del self._indexes[name]
        self.edition += 1

    def found(self, name: str, value: Hashable) -> Mapping[str, Cached[T]]:
        """Give the objects that have a value, by key.

        Raises:
            ValueError: there is no index of that name.

        """
        bucket = self._named(name).buckets.get(value)
        return bucket[0].records if bucket is not None else {}

    def _named(self, name: str) -> _Index[T]:
        index = self._indexes.get(name)
        if index is None:
            raise ValueError(f"no index {name!r}; there are: {', '.join(self._indexes) or 'none'}")
        return index

    def _ask(
        self, name: str, function: Indexer[T], key: str, record: Cached[T]
    ) -> tuple[Hashable, ...]:
        try:
            return _unique(function(record.value))
        except Exception as error:  # noqa: BLE001 - a caller's function, on any object
            self._report(IndexFailed(name, key, record.meta.resource_version, error))
            return ()


def _unique(values: Iterable[Hashable]) -> tuple[Hashable, ...]:
    if isinstance(values, list) and len(values) == 1:
        hash(values[0])  # what cannot be looked for is an error now
        return (values[0],)
    if isinstance(values, (str, bytes)):  # it would be found under each of its letters
        raise TypeError("an index function gives an iterable of values, not one string")
    return tuple(dict.fromkeys(values))
