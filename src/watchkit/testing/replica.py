"""What is read of a state: all there is, or what a server that lags behind knows of it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from watchkit.testing.log import Entry, Kept, Ordered
from watchkit.testing.resources import Resource


class ReadLog(Protocol):
    """The objects of one resource, and how they came to be so."""

    @property
    def objects(self) -> Mapping[str, Kept]:
        """The objects now, by key."""
        ...

    def since(self, version: int) -> Sequence[Entry]:
        """The entries after `version`, oldest first."""
        ...

    def ordered(self, version: int) -> Ordered:
        """The objects as they were at `version`, not before the last compaction, in order."""
        ...

    def at(self, version: int) -> Mapping[str, Kept]:
        """The same, by key."""
        ...


class Reading(Protocol):
    """What answers to lists and watches are made from."""

    @property
    def version(self) -> int:
        """The version that is known."""
        ...

    @property
    def compacted(self) -> int:
        """The version up to which history is forgotten."""
        ...

    def oldest(self, resource: Resource) -> int:
        """The version after which the resource's history is known."""
        ...

    def progress(self, resource: Resource) -> int:
        """The version up to which the resource is known: its last change, or a later list."""
        ...

    def catch_up(self, resource: Resource) -> None:
        """Know the resource up to now, as a server does that is asked for what is there now."""
        ...

    def log(self, resource: Resource) -> ReadLog:
        """The log of a resource."""
        ...

    def now(self) -> datetime:
        """The time for timestamps and ages."""
        ...

    def subscribe(
        self, resource: Resource | None, listener: Callable[[Entry], None]
    ) -> Callable[[], None]:
        """Have every later entry of the resource (None: of any) told; give what ends that."""
        ...


class Replica:
    """A server that knows everything but the last `behind` versions."""

    def __init__(self, state: Reading, behind: int) -> None:
        self._state = state
        self._behind = behind

    @property
    def version(self) -> int:
        """The version that has come through to here."""
        return max(self._state.compacted, self._state.version - self._behind)

    @property
    def compacted(self) -> int:
        """The version up to which history is forgotten."""
        return self._state.compacted

    def oldest(self, resource: Resource) -> int:
        """The version after which the resource's history is known."""
        return self._state.oldest(resource)

    def progress(self, resource: Resource) -> int:
        """The version up to which the resource is known here."""
        return min(self.version, self._state.progress(resource))

    def catch_up(self, resource: Resource) -> None:
        """Know as much as has come through to here."""
        self._state.catch_up(resource)

    def now(self) -> datetime:
        """The time for timestamps and ages."""
        return self._state.now()

    def log(self, resource: Resource) -> ReplicaLog:
        """The log of a resource as far as it has come through."""
        return ReplicaLog(self._state.log(resource), self.version)

    def subscribe(
        self, resource: Resource | None, listener: Callable[[Entry], None]
    ) -> Callable[[], None]:
        """Have every entry told once it has come through: as many versions later."""
        waiting: deque[Entry] = deque()
        if resource is not None:
            waiting.extend(self._state.log(resource).since(self.version))

        def heard(entry: Entry) -> None:
            if resource is None or resource == entry.now.resource:
                waiting.append(entry)
            while waiting and waiting[0].version <= self.version:
                listener(waiting.popleft())

        return self._state.subscribe(None, heard)


class ReplicaLog:
    """The log of one resource up to a version."""

    def __init__(self, log: ReadLog, version: int) -> None:
        self._log = log
        self._version = version

    @property
    def objects(self) -> Mapping[str, Kept]:
        """The objects as they have come through."""
        return self._log.at(self._version)

    def since(self, version: int) -> Sequence[Entry]:
        """The entries after `version` that have come through."""
        return [entry for entry in self._log.since(version) if entry.version <= self._version]

    def ordered(self, version: int) -> Ordered:
        """The objects as they were at `version`, in order."""
        return self._log.ordered(min(version, self._version))

    def at(self, version: int) -> Mapping[str, Kept]:
        """The same, by key."""
        return self._log.at(min(version, self._version))
