"""Caches for tests: what a source tells in short, and what it changes written in short."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.unit.core.manifests import an_object
from watchkit.core.decoding import Page, Verb
from watchkit.core.events import Added, Bookmark, Deleted, Updated
from watchkit.core.listing import Listing
from watchkit.core.objects import Object
from watchkit.informer.cache import Cache, SourceMemory
from watchkit.informer.records import Trouble

_FLAGS = {"initial": "!", "inferred": "?", "replayed": "*"}


def said(changes: Iterable[object]) -> list[str]:
    """Write changes in short: sign, name, uid, version, flags; an update as old>new."""
    return [_said(each) for each in changes]


def _said(change: object) -> str:
    flags = "".join(sign for flag, sign in _FLAGS.items() if getattr(change, flag, False))
    match change:
        case Added():
            return f"+{change.name} {change.uid} {change.resource_version}{flags}"
        case Updated():
            old = getattr(change.old, "resource_version", "")
            return f"~{change.name} {change.uid} {old}>{change.resource_version}{flags}"
        case Deleted():
            return f"-{change.name} {change.uid} {change.resource_version}{flags}"
        case Bookmark(version):
            return f"@{version}"
        case _:
            raise AssertionError(change)


def obj(name: str, uid: str = "u1", version: str = "10", **changes: object) -> Object:
    """Make a small object of namespace shop."""
    return an_object(name, uid=uid, version=version, **changes)


@dataclass
class Told:
    """A cache of one source (or more), with what it reported."""

    cache: Cache[Any]
    troubles: list[Trouble]
    memory: SourceMemory[Any]
    asked: str | None = None
    more: dict[str, SourceMemory[Any]] = field(default_factory=dict[str, SourceMemory[Any]])

    @classmethod
    def of(cls, namespace: str | None = None, **options: Any) -> "Told":  # noqa: ANN401 - the cache's
        """Make an empty cache."""
        troubles: list[Trouble] = []
        cache = Cache[Any](report=troubles.append, **options)
        return cls(cache, troubles, cache.add_source(namespace))

    @property
    def store(self) -> Any:  # noqa: ANN401 - of any model
        """What readers get."""
        return self.cache.store

    def lists(
        self, *objects: Object, version: str = "100", initial: bool = False, stream: bool = False
    ) -> list[str]:
        """Take a list, as a feed does it; `stream`: every object comes along, held or not."""
        listing = Listing((lambda each: each) if stream else self.memory.keep)
        listing.add(Page(version, "", objects))
        return said(self.memory.replace(listing, initial=initial))

    def event(self, verb: Verb, subject: Object) -> list[str]:
        """Take an event."""
        return said(self.memory.apply(verb, subject, self.asked))

    def adds(self, *objects: Object) -> "Told":
        """Take these as ADDED events."""
        for each in objects:
            assert self.event("ADDED", each)
        return self


def keys(objects: Sequence[Any]) -> list[str]:
    """Give the keys of objects, sorted."""
    return sorted(each.key for each in objects)
