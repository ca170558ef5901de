"""The state of a fake cluster: objects, one version counter, a log per resource. Synchronous."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from watchkit.testing import bodies, writes
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Change, Entry, Kept, Log, Manifest
from watchkit.testing.resources import Catalogue, Resource

FIRST_VERSION: Final = 95
"""Just below 100: a client that compares versions as text fails within a few writes."""

_BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)

Listener = Callable[[Entry], None]


class State:
    """Every object, its history since the last compaction, and who wants to hear of changes.

    All writes raise `Refusal` where the server says no. Manifests are copied in and out.
    """

    def __init__(self, clock: Callable[[], datetime] | None) -> None:
        self.catalogue: Catalogue = Catalogue()
        self.version: int = FIRST_VERSION
        self.compacted: int = 0
        self._clock = clock
        self._logs: dict[Resource, Log] = {}
        self._cleared: dict[Resource, int] = {}
        self._listeners: list[tuple[Resource, Listener]] = []
        self._uids = 0

    def log(self, resource: Resource) -> Log:
        """The log of a resource, an empty one at first."""
        return self._logs.setdefault(resource, Log(resource))

    def oldest(self, resource: Resource) -> int:
        """The version after which the resource's history is known.

        One that was served no longer, and is again, begins anew: its watch cache knows nothing
        of before, as the real server's does not.
        """
        return max(self.compacted, self._cleared.get(resource, 0))

    def subscribe(self, resource: Resource, listener: Listener) -> Callable[[], None]:
        """Have every later entry of the resource told; give what ends that."""
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

    def create(self, resource: Resource, manifest: Manifest) -> Kept:
        """Store a new object."""
        self._uids += 1
        uid = str(uuid.UUID(int=self._uids, version=4))
        new = writes.created(resource, _own(manifest), uid=uid, time=self._time())
        kept = Kept(resource, new)
        if kept.key in self.log(resource).objects:
            raise Refusal(bodies.already_exists(resource, kept.name))
        return self._write("ADDED", kept, None)

    def update(self, before: Kept, manifest: Manifest) -> Kept:
        """Replace an object; a write that changes nothing makes no version and no event."""
        after = writes.updated(before, _own(manifest))
        if after == before.manifest:
            return before
        if writes.finished(after):
            return self._write("DELETED", Kept(before.resource, after), before)
        return self._write("MODIFIED", Kept(before.resource, after), before)

    def delete(self, before: Kept) -> Kept:
        """Delete an object, or mark it deleted while finalizers hold it."""
        marked = writes.deleting(before, time=self._time())
        if marked is None:
            return self._write("DELETED", before, before)
        if marked is before.manifest:
            return before
        return self._write("MODIFIED", Kept(before.resource, marked), before)

    def compact(self, version: int | None) -> None:
        """Forget the history up to `version` (None: up to now)."""
        self.compacted = self.version if version is None else version
        for log in self._logs.values():
            log.compact(self.compacted)

    def restore(self, version: int) -> None:
        """Go back to an earlier version, counter and all, as a restored backup does."""
        if not self.compacted <= version <= self.version:
            said = f"only {self.compacted} to {self.version} can be restored, not {version}"
            raise ValueError(said)
        for log in self._logs.values():
            log.restore(version)
        self.version = version

    def clear(self, resource: Resource) -> None:
        """Forget a resource altogether, its objects' DELETED events told first."""
        for kept in list(self.log(resource).objects.values()):
            self._write("DELETED", kept, kept)
        del self._logs[resource]
        self._cleared[resource] = self.version

    def _write(self, change: Change, kept: Kept, before: Kept | None) -> Kept:
        self.version += 1
        entry = Entry(self.version, change, kept.at(self.version), before)
        self.log(kept.resource).append(entry)
        for listener in list(self._heard_by(kept.resource)):
            listener(entry)
        return entry.now

    def _heard_by(self, resource: Resource) -> Iterator[Listener]:
        return (listener for wanted, listener in self._listeners if wanted == resource)

    def _time(self) -> str:
        if self._clock is not None:
            return writes.stamp(self._clock())
        return writes.stamp(_BEGAN + timedelta(seconds=self.version))


def _own(manifest: Manifest) -> Manifest:
    """A deep copy, which proves on the way that it is JSON."""
    copied: Manifest = msgspec.json.decode(msgspec.json.encode(manifest))
    return copied
