"""What a bare watcher remembers of the world: for each key the uid and version, no objects.

It keeps stale events out, notices a successor under an old name, and infers a gap's net effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
from typing_extensions import TypeVar

from watchkit.core.events import Added, Bookmark, Change, Deleted, Modified, ObjectEvent
from watchkit.core.objects import Object
from watchkit.core.versions import is_at_or_before, is_before

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkit.core.decoding import Verb
    from watchkit.core.listing import Listing

_KINDS: dict[Verb, type[Added | Modified | Deleted]] = {
    "ADDED": Added,
    "MODIFIED": Modified,
    "DELETED": Deleted,
}


E = TypeVar(  # noqa: PLC0105 - short as in events
    "E", bound=ObjectEvent[object] | Change[object], default=ObjectEvent, covariant=True
)
"""What a memory tells: events, or the changes of a cache."""


class Memory(Protocol[E]):
    """What a list+watch needs to know of the world: a Ledger here, a Store under an informer."""

    def keep(self, subject: Object) -> object:
        """Give what `replace` will want of a listed object; None where its very state is held.

        What can be done with it alone is done here: objects come one by one, lists all at once.
        """
        ...

    def apply(self, verb: Verb, subject: Object, asked: str | None) -> Sequence[E | Bookmark]:
        """Take one event of a watch that began after version `asked`; what it amounts to.

        Nothing where it is stale; a Bookmark where it was taken, and there is nothing to tell.
        """
        ...

    def replace(self, listing: Listing, *, initial: bool) -> Sequence[E]:
        """Take a whole list in the place of all that is held; what that amounts to."""
        ...

    def forget_versions(self) -> None:
        """Trust no version held any more: the server's store was restored."""
        ...


class Ledger:
    """The memory of a bare RetryWatcher: key -> (uid, version).

    Per object, versions only rise (where they are numeric), and a Deleted comes before the
    Added of a successor with another uid.
    """

    __slots__ = ("_held", "_void")

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, str]] = {}
        self._void: set[str] = set()
        """Keys whose version is of before a restore: the last one seen, but no measure."""

    def __len__(self) -> int:
        return len(self._held)

    def holds(self, subject: Object) -> bool:
        """Whether this uid is held under this key in this version."""
        key = subject.key
        held = self._held.get(key)
        return held == (subject.uid, subject.resource_version) and key not in self._void

    def keep(self, subject: Object) -> Object | None:
        """Give the object, None where it is held."""
        return None if self.holds(subject) else subject

    def apply(self, verb: Verb, subject: Object, asked: str | None) -> Sequence[ObjectEvent]:
        """Take one event: nothing where it is stale, else the event, after a lost Deleted."""
        meta = subject.meta
        key, version = meta.key, meta.resource_version
        held = self._held.get(key)
        measure = held[1] if held is not None and key not in self._void else None
        if is_stale(verb, version, measure, asked):
            return ()
        if self._void:
            self._void.discard(key)
        event = _KINDS[verb](subject, meta, False, False, False, version)  # noqa: FBT003 - quicker
        if verb == "DELETED":
            self._held.pop(key, None)
        else:
            self._held[key] = (meta.uid, version)
        if held is not None and held[0] != meta.uid:
            return (_deleted(key, held), event)
        return (event,)

    def replace(self, listing: Listing, *, initial: bool) -> Sequence[ObjectEvent]:
        """Take a list: Deleted first, then Added and Modified, the last one with the version."""
        gone: list[ObjectEvent] = []
        here: list[ObjectEvent] = []
        for key, held in self._held.items():
            entry = listing.entries.get(key)
            if entry is None or entry.uid != held[0]:
                gone.append(_deleted(key, held))
        for key, entry in listing.entries.items():
            held_now = self._held.get(key)
            is_same = held_now == (entry.uid, entry.version) and key not in self._void
            kept = entry.kept
            if not isinstance(kept, Object) or is_same:
                continue
            known = held_now is not None and held_now[0] == entry.uid
            kind = Modified if known else Added
            here.append(kind(kept, kept.meta, initial, inferred=not initial))
        self._held = {key: (each.uid, each.version) for key, each in listing.entries.items()}
        self._void.clear()
        events = gone + here
        if events:
            events[-1] = msgspec.structs.replace(events[-1], resume_version=listing.version)
        return events

    def forget_versions(self) -> None:
        """Keep the uids: versions of before a restore say nothing of those after it."""
        self._void = set(self._held)


def is_stale(verb: Verb, version: str, held: str | None, asked: str | None) -> bool:
    """Whether an event tells nothing new: of the version held, or of that asked for."""
    if held is not None and verb == "DELETED":
        return is_before(version, held)
    if held is not None and is_at_or_before(version, held):
        return True
    return asked is not None and is_at_or_before(version, asked)


def _deleted(key: str, held: tuple[str, str]) -> Deleted:
    namespace, _, name = key.rpartition("/")
    uid, version = held
    named = {"name": name, "uid": uid, "resourceVersion": version}
    metadata = {"namespace": namespace, **named} if namespace else named
    subject = Object({"metadata": metadata})
    return Deleted(subject, subject.meta, inferred=True)
