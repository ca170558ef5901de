"""The writer of a store: takes events and lists, and tells what they change. It never waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic

import msgspec

from watchkit.core.decoding import Verb
from watchkit.core.events import Added, Bookmark, Change, Deleted, Updated
from watchkit.core.ledger import is_stale
from watchkit.core.listing import Listing
from watchkit.core.objects import Object
from watchkit.core.versions import latest
from watchkit.informer.indexes import Indexer, Indexes, Values
from watchkit.informer.preparing import Preparation, Transform, is_same_content
from watchkit.informer.records import Cached, T, Trouble, Undecodable
from watchkit.informer.store import Shelf, Store

_NO_VALUES: Final[Values] = {}


class _Put(msgspec.Struct, Generic[T], gc=False):  # a dataclass costs a microsecond an event
    """What is to be cached under one key: `new` is None where nothing is, or nothing can be."""

    subject: Object
    held: Cached[T] | None
    new: Cached[T] | None
    values: Values
    is_undecodable: bool

    @property
    def key(self) -> str:
        """The key, made when somebody asks for it: most events need none."""
        return self.subject.meta.key

    @property
    def ends(self) -> bool:
        """Whether what is held is to be Deleted first: its successor comes, or nothing."""
        held, new = self.held, self.new
        return held is not None and (new is None or held.meta.uid != new.meta.uid)


class Cache(Generic[T]):
    """Fills a Store from one source, or from several of disjoint namespaces.

    Every call leaves the store whole: transforms, models and index functions, which are the
    caller's own, have all run before the first object changes.

    `report` is told of objects that cannot be decoded, once per version, and of index functions
    that fail.
    """

    def __init__(
        self,
        *,
        report: Callable[[Trouble], None],
        indexers: Mapping[str, Indexer[T]] | None = None,
        transform: Transform | None = None,
        model: type[T] | None = None,
    ) -> None:
        self._report = report
        self._preparation = Preparation[T](transform, model)
        self.indexes: Indexes[T] = Indexes(report)
        self._shelf = Shelf(self.indexes, self._preparation.model)
        self._epoch = 0
        self.store: Store[T] = Store(self._shelf)
        self.add_indexers(indexers or {})

    # Indexes and sources, while running.

    def add_indexers(self, indexers: Mapping[str, Indexer[T]]) -> None:
        """Add indexes, and let what is held be found by them at once.

        Raises:
            ValueError: there is an index of such a name already; none is added then.

        """
        self.indexes.add(indexers, {each.meta.key: each for each in self._shelf.records()})

    def remove_indexer(self, name: str) -> None:
        """Remove an index.

        Raises:
            ValueError: there is none of that name.

        """
        self.indexes.drop(name)

    def add_source(self, namespace: str | None) -> SourceMemory[T]:
        """Make the memory of one more source, of a namespace, or (None) of all of them.

        Raises:
            ValueError: another source has this namespace already.

        """
        taken = self._shelf.versions
        if namespace in taken or None in taken or (namespace is None and taken):
            raise ValueError("several sources must be of disjoint namespaces")
        taken[namespace] = None
        return SourceMemory(self, namespace)

    def remove_source(self, namespace: str | None) -> Sequence[Change[T]]:
        """Let go of a source and all its objects: they are Deleted, inferred.

        Raises:
            KeyError: there is no source of that namespace.

        """
        changes = self.replace(Listing(lambda _: True), namespace, initial=False)
        del self._shelf.versions[namespace]
        return changes

    # What a source tells.

    def advance(self, version: str, namespace: str | None) -> None:
        """Move the version of a source forward, as a bookmark does."""
        held = self._shelf.versions[namespace]
        self._shelf.versions[namespace] = latest(version, held)

    def holds(self, subject: Object) -> bool:
        """Whether the very state of this object is held, or known to be undecodable."""
        known = self._shelf.undecodable.get(subject.key)
        if known is not None:
            return known == subject and known.raw == subject.raw
        held = self._held(subject)
        if held is None or not _is_version_of(held, subject):
            return False
        if held.epoch == self._epoch:
            return True
        new = self._preparation.prepare(subject, self._epoch)
        return isinstance(new, Cached) and is_same_content(held, new)

    def apply(
        self, verb: Verb, subject: Object, asked: str | None, namespace: str | None
    ) -> Sequence[Change[T] | Bookmark]:
        """Take one event of a watch that began after version `asked`; what it changes.

        Nothing where it is stale; a Bookmark where it was taken and changes nothing.
        """
        meta = subject.meta
        version = meta.resource_version
        held = self._shelf.of(meta.namespace, meta.name)
        if is_stale(verb, version, self._measure(held), asked):
            return ()
        if verb == "DELETED":
            changes = self._deleted(subject, held)
        else:
            put = self._plan(subject, held)
            changes = () if put is None else self._one(put)
        self.advance(version, namespace)
        return changes or (Bookmark(version),)

    def replace(
        self, listing: Listing, namespace: str | None, *, initial: bool
    ) -> Sequence[Change[T]]:
        """Take a whole list in the place of all that is held of a source; what it changes.

        Deleted first, then Added and Updated in the list's order; all inferred, save that what
        an initial list adds is `initial`.
        """
        shown = [entry.object for entry in listing.entries.values() if entry.object is not None]
        puts = [self._plan(subject, self._held(subject)) for subject in shown]
        changes: list[Change[T]] = []
        for key in self._missing(listing, namespace):
            changes += self._ended(key)
        for put in puts:
            if put is not None and put.ends:
                changes += self._ended(put.key)
        for put in puts:
            if put is not None:
                changes += self._put(put, initial=initial, inferred=True)
        if self._epoch:
            for record in self._shelf.records(namespace):
                record.epoch = self._epoch
        self._shelf.versions[namespace] = listing.version
        return changes

    def forget_versions(self) -> None:
        """Trust no version held: the server's store was restored."""
        self._epoch += 1

    # What is held.

    def _held(self, subject: Object) -> Cached[T] | None:
        return self._shelf.of(subject.meta.namespace, subject.meta.name)

    def _measure(self, held: Cached[T] | None) -> str | None:
        """Give the version by which events are stale; one of before a restore is none."""
        if held is None or held.epoch != self._epoch:
            return None
        return held.meta.resource_version

    def _missing(self, listing: Listing, namespace: str | None) -> list[str]:
        keys = [record.meta.key for record in self._shelf.records(namespace)]
        prefix = "" if namespace is None else f"{namespace}/"
        keys += [key for key in self._shelf.undecodable if key.startswith(prefix)]
        return [key for key in keys if key not in listing.entries]

    # First what is to be done, where the caller's functions run; then all of it at once.

    def _plan(self, subject: Object, held: Cached[T] | None) -> _Put[T] | None:
        """Prepare an object to be cached; None where what is held shows the same already."""
        is_known = held is not None and _is_version_of(held, subject)
        if is_known and held is not None and held.epoch == self._epoch:
            return None
        new = self._preparation.prepare(subject, self._epoch)
        if isinstance(new, Exception):
            self._cannot_decode(subject, new)
            return _Put(subject, held, None, _NO_VALUES, is_undecodable=True)
        if new is None:
            return _Put(subject, held, None, _NO_VALUES, is_undecodable=False)
        if is_known and held is not None and is_same_content(held, new):
            held.epoch = self._epoch
            return None
        values = self.indexes.values(subject.key, new) if self.indexes else _NO_VALUES
        return _Put(subject, held, new, values, is_undecodable=False)

    def _cannot_decode(self, subject: Object, error: Exception) -> None:
        meta = subject.meta
        if self._shelf.undecodable.get(meta.key) != subject:
            self._report(Undecodable(meta.key, meta.uid, meta.resource_version, error))

    def _one(self, put: _Put[T]) -> Sequence[Change[T]]:
        ended = self._ended(put.key) if put.ends else ()
        here = self._put(put, initial=False, inferred=False)
        return (*ended, *here) if ended else here

    def _put(self, put: _Put[T], *, initial: bool, inferred: bool) -> Sequence[Change[T]]:
        """Do as planned, once what is to end has ended."""
        undecodable = self._shelf.undecodable
        if put.is_undecodable:
            undecodable[put.key] = put.subject
            return ()
        if undecodable:
            undecodable.pop(put.key, None)
        new, held = put.new, put.held
        if new is None:
            return ()
        self._shelf.put(new)
        if self.indexes:
            self.indexes.put(put.key, new, put.values)
        if held is None or put.ends:
            return (Added(new.value, new.meta, initial, inferred and not initial),)
        # By position: names cost a tenth of a microsecond more.
        old, was = held.value, held.meta
        return (Updated(old, new.value, new.meta, False, inferred, False, None, was),)  # noqa: FBT003

    def _deleted(self, subject: Object, held: Cached[T] | None) -> Sequence[Change[T]]:
        """Take a DELETED; its object is the last state, if it can be read."""
        if held is None or held.meta.uid != subject.uid:
            return self._ended(subject.key)
        last = self._preparation.prepare(subject, self._epoch)
        last = last if isinstance(last, Cached) else held
        self._ended(subject.key)
        return (Deleted(last.value, last.meta),)

    def _ended(self, key: str) -> Sequence[Change[T]]:
        """Hold nothing under a key; what was there is Deleted, inferred."""
        self._shelf.undecodable.pop(key, None)
        held = self._shelf.remove(key)
        if held is None:
            return ()
        self.indexes.remove(key)
        return (Deleted(held.value, held.meta, inferred=True),)


class SourceMemory(Generic[T]):
    """What one source's list+watch knows of the world: its part of a cache."""

    def __init__(self, cache: Cache[T], namespace: str | None) -> None:
        self._cache = cache
        self._namespace = namespace

    def holds(self, subject: Object) -> bool:
        """Whether the very state of this object is held already."""
        return self._cache.holds(subject)

    def apply(
        self, verb: Verb, subject: Object, asked: str | None
    ) -> Sequence[Change[T] | Bookmark]:
        """Take one event of a watch that began after version `asked`; what it changes."""
        return self._cache.apply(verb, subject, asked, self._namespace)

    def replace(self, listing: Listing, *, initial: bool) -> Sequence[Change[T]]:
        """Take a whole list in the place of all that is held of this source; what it changes."""
        return self._cache.replace(listing, self._namespace, initial=initial)

    def advance(self, version: str) -> None:
        """Move the version forward, as a bookmark does."""
        self._cache.advance(version, self._namespace)

    def forget_versions(self) -> None:
        """Trust no version held any more: the server's store was restored."""
        self._cache.forget_versions()


def _is_version_of(held: Cached[T], subject: Object) -> bool:
    mine, its = held.meta, subject.meta
    return mine.resource_version == its.resource_version and mine.uid == its.uid
