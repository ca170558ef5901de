"""What is to be done with listed objects, made ready while they come: the rest is one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

import msgspec

from watchkit.core.events import Added
from watchkit.core.listing import Entry
from watchkit.core.metadata import ObjectMeta
from watchkit.core.objects import Object
from watchkit.informer.indexes import Values
from watchkit.informer.records import Cached, T


class Put(msgspec.Struct, Generic[T], gc=False):  # a dataclass costs a microsecond an event
    """What is to be cached of one object: `new` is None where nothing is, or nothing can be.

    `values` are those that index functions gave when the indexes were at this `edition`.
    """

    new: Cached[T] | None
    values: Values
    edition: int
    subject: Object | None = None
    """The object as it came, where `new` is None: else it is not needed any more."""
    error: Exception | None = None
    """What was wrong with it, where it cannot be cached."""
    added: Added[T] | None = None
    """What is told of it, where it is of a first list."""

    @property
    def meta(self) -> ObjectMeta:
        """Whom it is about."""
        if self.new is not None:
            return self.new.meta
        assert self.subject is not None  # noqa: S101 - one of them is there
        return self.subject.meta


class Draft(Generic[T]):
    """What a source of which nothing is held is going to have, while its list comes in.

    Of a list of 50,000, putting one after the other in its place would keep the event loop from
    its turn for too long: a draft is taken whole.
    """

    def __init__(self) -> None:
        self.spaces: dict[str, dict[str, Cached[T]]] = {}
        self._is_whole = True

    def add(self, put: Put[T]) -> None:
        """Take in what is planned, in the place of what was planned before of the same key."""
        new = put.new
        if new is None:
            self._is_whole = False
            return
        meta = new.meta
        space = self.spaces.get(meta.namespace or "")
        if space is None:
            space = self.spaces[meta.namespace or ""] = {}
        space[meta.name] = new
        put.added = Added(new.value, meta, initial=True)

    def is_of(self, entries: Mapping[str, Entry], namespace: str | None) -> bool:
        """Whether it is all of a list, as a source of this namespace gives it.

        It has whatever was planned, so it is so if it has no more: nothing that was dropped, or
        is of a list that was thrown away.
        """
        is_own = namespace is None or self.spaces.keys() <= {namespace}
        return self._is_whole and is_own and sum(map(len, self.spaces.values())) == len(entries)


def is_version_of(held: Cached[T], subject: Object) -> bool:
    """Whether an object is the one that is held, in its version."""
    mine, its = held.meta, subject.meta
    return mine.resource_version == its.resource_version and mine.uid == its.uid


def ends(held: Cached[T], new: Cached[T] | None) -> bool:
    """Whether what is held is to be Deleted first: its successor comes, or nothing."""
    return new is None or held.meta.uid != new.meta.uid
