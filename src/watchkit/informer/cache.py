"""The writer of a store: takes events and lists, and tells what they change. It never waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, cast

from watchkit.core.decoding import Verb
from watchkit.core.events import Added, Bookmark, Change, Deleted, Updated
from watchkit.core.ledger import is_stale
from watchkit.core.listing import Entry, Listing
from watchkit.core.metadata import ObjectMeta
from watchkit.core.objects import Object
from watchkit.core.versions import latest
from watchkit.informer.indexes import Indexer, Indexes, Values
from watchkit.informer.plans import Draft, Put, ends, is_version_of
from watchkit.informer.preparing import Preparation, Transform, is_same_content
from watchkit.informer.records import Cached, T, Trouble, Undecodable
from watchkit.informer.store import Shelf, Store, share_namespace

_NO_VALUES: Final[Values] = ()


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
        self._drafts: dict[str | None, Draft[T]] = {}
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
        changes = self.replace(Listing(lambda each: each), namespace, initial=False)
        del self._shelf.versions[namespace]
        return changes

    # What a source tells.

    def advance(self, version: str, namespace: str | None) -> None:
        """Move the version of a source forward, as a bookmark does."""
        held = self._shelf.versions[namespace]
        self._shelf.versions[namespace] = latest(version, held)

    def keep(self, subject: Object, namespace: str | None) -> object:
        """Plan what to do with a listed object; None where its very state is held.

        Also where it is known to be undecodable in this state.
        """
        known = self._shelf.undecodable.get(subject.key) if self._shelf.undecodable else None
        if known is not None and known == subject and known.raw == subject.raw:
            return None
        put = self._plan(subject, self._held(subject.meta))
        if put is not None and self._shelf.is_bare(namespace):
            draft = self._drafts.get(namespace)
            if draft is None:
                draft = self._drafts[namespace] = Draft()
            draft.add(put)
        return put

    def apply(
        self, verb: Verb, subject: Object, asked: str | None, namespace: str | None
    ) -> Sequence[Change[T] | Bookmark]:
        """Take one event of a watch that began after version `asked`; what it changes.

        Nothing where it is stale; a Bookmark where it was taken and changes nothing.
        """
        meta = subject.meta
        version = meta.resource_version
        held = self._held(meta)
        measure = None
        if held is not None and held.epoch == self._epoch:  # one of before a restore is none
            measure = held.meta.resource_version
        if is_stale(verb, version, measure, asked):
            return ()
        if verb == "DELETED":
            changes = self._deleted(subject, held)
        else:
            put = self._plan(subject, held)
            changes = () if put is None else self._one(put, held)
        self.advance(version, namespace)
        return changes or (Bookmark(version),)

    def replace(
        self, listing: Listing, namespace: str | None, *, initial: bool
    ) -> Sequence[Change[T]]:
        """Take a whole list in the place of all that is held of a source; what it changes.

        Deleted first, then Added and Updated in the list's order; all inferred, save that what
        an initial list adds is `initial`.
        """
        entries = listing.entries
        draft = self._drafts.pop(namespace, None)
        if draft is not None and self._shelf.is_bare(namespace) and draft.is_of(entries, namespace):
            changes = self._take(draft, entries, initial=initial)
        else:
            changes = self._merge(entries, namespace, initial=initial)
        if self._epoch:
            for record in self._shelf.records(namespace):
                record.epoch = self._epoch
        self._shelf.versions[namespace] = listing.version
        return changes

    def forget_versions(self) -> None:
        """Trust no version held: the server's store was restored."""
        self._epoch += 1

    # What is held.

    def _held(self, meta: ObjectMeta) -> Cached[T] | None:
        return self._shelf.of(meta.namespace, meta.name)

    # First what is to be done, where the caller's functions run; then all of it at once.

    def _plan(self, subject: Object, held: Cached[T] | None) -> Put[T] | None:
        """Prepare an object to be cached; None where what is held shows the same already."""
        same = held if held is not None and is_version_of(held, subject) else None
        if same is not None and same.epoch == self._epoch:
            return None
        new = self._preparation.prepare(subject, self._epoch)
        if isinstance(new, Exception):
            return Put(None, _NO_VALUES, self.indexes.edition, subject, new)
        if new is None:
            return Put(None, _NO_VALUES, self.indexes.edition, subject)
        if same is not None and is_same_content(same, new):
            same.epoch = self._epoch
            return None
        if new.meta.namespace is not None:
            share_namespace(new.meta, new.meta.namespace)
        values = self.indexes.values(new.meta.key, new) if self.indexes else _NO_VALUES
        return Put(new, values, self.indexes.edition)

    def _planned(self, kept: object) -> Put[T] | None:
        """Give the plan for a listed object, made when it came, or now if it was not."""
        if isinstance(kept, Put):
            return cast("Put[T]", kept)
        return self._plan(kept, self._held(kept.meta)) if isinstance(kept, Object) else None

    def _one(self, put: Put[T], held: Cached[T] | None) -> Sequence[Change[T]]:
        if held is None or not ends(held, put.new):
            return self._put(put, held, initial=False, inferred=False)
        ended = self._ended(put.meta.key)
        return (*ended, *self._put(put, None, initial=False, inferred=False))

    def _take(
        self, draft: Draft[T], entries: Mapping[str, Entry], *, initial: bool
    ) -> list[Change[T]]:
        """Hold a whole list, of a source of which nothing was held."""
        self._shelf.spaces.update(draft.spaces)
        puts = [cast("Put[T]", entry.kept) for entry in entries.values()]
        if self.indexes:
            for put in puts:
                self._index(put)
        added = cast("list[Change[T]]", [put.added for put in puts])
        if initial:
            return added
        return [Added(each.object, each.meta, inferred=True) for each in added]

    def _merge(
        self, entries: Mapping[str, Entry], namespace: str | None, *, initial: bool
    ) -> list[Change[T]]:
        """Compare a list with what is held: what is missing ends first, then the rest comes."""
        changes: list[Change[T]] = []
        for key in self._shelf.keys(namespace):
            if key not in entries:
                changes += self._ended(key)
        kept = [entry.kept for entry in entries.values() if entry.kept is not None]
        puts = [put for each in kept if (put := self._planned(each)) is not None]
        for put in puts:
            held = self._held(put.meta)
            if held is not None and ends(held, put.new):
                changes += self._ended(put.meta.key)
        for put in puts:
            changes += self._put(put, self._held(put.meta), initial=initial, inferred=True)
        return changes

    def _put(
        self, put: Put[T], held: Cached[T] | None, *, initial: bool, inferred: bool
    ) -> Sequence[Change[T]]:
        """Do as planned, once what is to end has ended: `held` is what is left."""
        new = put.new
        if new is None:
            self._undecodable(put)
            return ()
        if self._shelf.undecodable:
            self._shelf.undecodable.pop(new.meta.key, None)
        if held is new:
            return ()
        self._shelf.put(new)
        if self.indexes:
            self._index(put)
        if held is None:
            return (Added(new.value, new.meta, initial, inferred and not initial),)
        # By position: names cost a tenth of a microsecond more.
        old, was = held.value, held.meta
        return (Updated(old, new.value, new.meta, False, inferred, False, None, was),)  # noqa: FBT003

    def _index(self, put: Put[T]) -> None:
        new = put.new
        if new is None:
            return
        key = new.meta.key
        is_whole = put.edition == self.indexes.edition
        self.indexes.put(key, new, put.values if is_whole else self.indexes.values(key, new))

    def _undecodable(self, put: Put[T]) -> None:
        """Keep and report what cannot be cached; what is not to be cached leaves no trace."""
        subject, error, undecodable = put.subject, put.error, self._shelf.undecodable
        key, meta = put.meta.key, put.meta
        if subject is None or error is None:
            undecodable.pop(key, None)
            return
        if undecodable.get(key) != subject:
            self._report(Undecodable(key, meta.uid, meta.resource_version, error))
        undecodable[key] = subject

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

    def keep(self, subject: Object) -> object:
        """Plan what to do with a listed object; None where its very state is held."""
        return self._cache.keep(subject, self._namespace)

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
