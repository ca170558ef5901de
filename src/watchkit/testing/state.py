"""The state of a fake cluster: objects, one version counter, a log per resource. Synchronous."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from watchkit.testing import apply, bodies, ownership, scaling, writes
from watchkit.testing.bodies import Refusal
from watchkit.testing.builtin import BUILT_IN
from watchkit.testing.deletes import Deletion
from watchkit.testing.log import Change, Entry, Kept, Log, Manifest
from watchkit.testing.resources import Catalogue, Resource
from watchkit.testing.serving import Turn, Turns
from watchkit.testing.writes import Author

FIRST_VERSION: Final = 95
"""Just below 100: a client that compares versions as text fails within a few writes."""

HAND: Final = Author()
"""The hand of a test, which writes what it likes."""

_BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)

Listener = Callable[[Entry], None]


class State:
    """Every object, its history since the last compaction, and who wants to hear of changes.

    All writes raise `Refusal` where the server says no. Manifests are copied in and out.
    """

    def __init__(self, clock: Callable[[], datetime] | None) -> None:
        self.catalogue: Catalogue = Catalogue(BUILT_IN)
        self.version: int = FIRST_VERSION
        self.compacted: int = 0
        self._clock = clock
        self._logs: dict[Resource, Log] = {}
        self._cleared: dict[Resource, int] = {}
        self._listed: dict[Resource, int] = {}
        self._listeners: list[tuple[Resource | None, Listener]] = []
        self._turns = Turns()
        self._uids = 0

    def log(self, resource: Resource) -> Log:
        """The log of a resource, an empty one at first."""
        found = self._logs.get(resource)
        if found is None:
            found = self._logs[resource] = Log(resource)
        return found

    def oldest(self, resource: Resource) -> int:
        """The version after which the resource's history is known.

        One that was served no longer, and is again, begins anew: its watch cache knows nothing
        of before, as the real server's does not.
        """
        return max(self.compacted, self._cleared.get(resource, 0))

    def progress(self, resource: Resource) -> int:
        """The version up to which the resource's watch cache knows that it knows everything.

        That is its last change, or the moment of a later list of what is there now: writes of
        other resources do not reach it.
        """
        listed = self._listed.get(resource, self._cleared.get(resource, FIRST_VERSION))
        return min(self.version, max(self.log(resource).last, listed))

    def catch_up(self, resource: Resource) -> None:
        """Know the resource up to now."""
        self._listed[resource] = self.version

    def subscribe(self, resource: Resource | None, listener: Listener) -> Callable[[], None]:
        """Have every later entry of the resource (None: of any) told; give what ends that."""
        told = (resource, listener)
        self._listeners.append(told)

        def unsubscribe() -> None:
            if told in self._listeners:
                self._listeners.remove(told)

        return unsubscribe

    def find(self, resource: Resource, key: str) -> Kept:
        """The object under a key ("ns/name" or "name")."""
        found = self.log(resource).objects.get(key)
        if found is None:
            raise Refusal(bodies.not_found(resource, key.rpartition("/")[2]))
        return found

    def create(self, resource: Resource, manifest: Manifest, author: Author = HAND) -> Kept:
        """Store a new object."""
        self._uids += 1
        uid = str(uuid.UUID(int=self._uids, version=4))
        time = _stamp(self.now())
        new = writes.created(resource, _own(manifest), uid=uid, time=time, part=author.part)
        return self._added(ownership.after_create(resource, new, author, time), author)

    def update(self, before: Kept, manifest: Manifest, author: Author = HAND) -> Kept:
        """Replace an object; a write that changes nothing makes no version and no event."""
        wanted = _own(manifest)
        after = writes.updated(before, wanted, author.part)
        time = _stamp(self.now())
        return self._changed(
            before, ownership.after_update(before, wanted, after, author, time), author
        )

    def apply(self, resource: Resource, key: str, applied: Manifest, terms: apply.Terms) -> Kept:
        """Apply a configuration server-side: create the object, or change what it says."""
        before = self.log(resource).objects.get(key)
        author, time = terms.author, _stamp(self.now())
        if before is not None and author.scale:
            wanted, owners = scaling.applied(before, _own(applied), terms)
        else:
            wanted, owners = apply.applied(resource, before, _own(applied), terms, time)
        if before is not None:
            after = writes.updated(before, wanted, author.part)
            return self._changed(before, ownership.after_apply(before, after, owners), author)
        self._uids += 1
        uid = str(uuid.UUID(int=self._uids, version=4))
        new = writes.created(resource, wanted, uid=uid, time=time, part=author.part)
        return self._added(Kept(resource, ownership.with_owners(new, owners)), author)

    def delete(self, before: Kept, asked: Deletion | None = None) -> Kept:
        """Delete an object, or mark it deleted while finalizers or its grace hold it."""
        asked = asked or Deletion(at_once=True)
        asked.check(before)
        marked = asked.mark(before, self.now())
        author = Author(dry=asked.dry)
        if marked is None:
            return self._write("DELETED", before, before, author)
        kept = before
        if marked != before.manifest:
            now = Kept(before.resource, marked, before.owners)
            kept = self._write("MODIFIED", now, before, author)
        if writes.finished(marked):
            return self._write("DELETED", kept, kept, author)
        return kept

    def compact(self, version: int | None) -> None:
        """Forget the history up to `version` (None: up to now)."""
        version = self.version if version is None else version
        if not self.compacted <= version <= self.version:
            said = f"only {self.compacted} to {self.version} can be compacted, not {version}"
            raise ValueError(said)
        self.compacted = version
        for log in self._logs.values():
            log.compact(version)
        self._turns.compact(version)

    def restore(self, version: int) -> None:
        """Go back to an earlier version, counter and all, as a restored backup does.

        What is served by then is what was served at that version.
        """
        if not self.compacted <= version <= self.version:
            said = f"only {self.compacted} to {self.version} can be restored, not {version}"
            raise ValueError(said)
        for turn in self._turns.undone(version):
            self._undo(turn)
        for log in self._logs.values():
            log.restore(version)
        self._cleared = {each: min(at, version) for each, at in self._cleared.items()}
        self._listed.clear()
        self.version = version

    def serve(self, resource: Resource, before: Resource | None = None) -> None:
        """Serve a resource, or (`before`) serve it with other traits, and keep its objects."""
        if self.catalogue.named(resource.api_version, resource.plural) != resource:
            self._turns.append(Turn(self.version, before, resource))
        self.catalogue.add(resource)
        if before is not None:
            self._become(before, resource)

    def unserve(self, resource: Resource, since: int | None = None) -> None:
        """Forget a resource altogether, its objects' DELETED events told first.

        `since`: the version of the change by which it went, that of the last of these otherwise.
        """
        log = self.log(resource)
        for kept in list(log.objects.values()):
            self._write("DELETED", kept, kept, HAND)
        at = self.version if since is None else since
        self._turns.append(Turn(at, resource, None, log, self._cleared.get(resource)))
        del self._logs[resource]
        self._cleared[resource] = self.version
        self.catalogue.remove(resource)

    def _undo(self, turn: Turn) -> None:
        """Serve what was served before a turn; of its log, what came later is still there."""
        before, after = turn.before, turn.after
        if after is not None:
            self.catalogue.remove(after)
        if before is not None:
            self.catalogue.add(before)
        if before is not None and after is not None:
            self._become(after, before)
        elif before is not None and turn.log is not None:
            self._logs[before] = turn.log
            self._cleared.pop(before, None)
            if turn.cleared is not None:
                self._cleared[before] = turn.cleared

    def _become(self, before: Resource, after: Resource) -> None:
        log = self._logs.pop(before, Log(before))
        log.become(after)
        self._logs[after] = log

    def now(self) -> datetime:
        """The time for timestamps."""
        if self._clock is not None:
            return self._clock()
        return _time_of(self.version)

    def _added(self, kept: Kept, author: Author) -> Kept:
        held = self.log(kept.resource).objects.get(kept.key)
        if held is not None:
            going = bool(held.manifest["metadata"].get("deletionTimestamp"))
            raise Refusal(bodies.already_exists(kept.resource, kept.name, going=going))
        return self._write("ADDED", kept, None, author)

    def _changed(self, before: Kept, after: Kept, author: Author) -> Kept:
        if after.manifest == before.manifest and after.owners == before.owners:
            return before
        if not writes.finished(after.manifest):
            return self._write("MODIFIED", after, before, author)
        # The event shows it as it was last stored; the writer is shown what he made of it.
        self._write("DELETED", before, before, author)
        return after

    def _write(self, change: Change, kept: Kept, before: Kept | None, author: Author) -> Kept:
        if author.dry:
            return kept if before is not None else kept.unversioned()
        self.version += 1
        entry = Entry(self.version, change, kept.at(self.version), before)
        self.log(kept.resource).append(entry)
        for listener in list(self._heard_by(kept.resource)):
            listener(entry)
        return entry.now

    def _heard_by(self, resource: Resource) -> Iterator[Listener]:
        return (
            listener for wanted, listener in self._listeners if wanted is None or wanted == resource
        )


_stamp: Final = lru_cache(maxsize=1024)(writes.stamp)
"""Many writes are made at a time, and clusters of tests live through the same ones."""


@lru_cache(maxsize=1024)
def _time_of(version: int) -> datetime:
    return _BEGAN + timedelta(seconds=version)


def _own(manifest: Manifest) -> Manifest:
    """A deep copy, which proves on the way that it is JSON."""
    copied: Manifest = msgspec.json.decode(msgspec.json.encode(manifest))
    return copied
