"""What an informer's handler was told, added up: it is held against the server's list."""

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from watchkit import Change, SharedInformer
from watchkit.core.events import Added, Deleted, Updated

Identity: TypeAlias = tuple[str, str]
"""An object's uid and version."""

Held: TypeAlias = dict[str, Identity]


@dataclass(frozen=True)
class View:
    """What an informer tells of itself at one moment; `cache` and `held` in a snapshot only.

    `count` and `digest` are of `held`, what its handler was told; `idle` is the seconds since that
    changed. `counts` has: added, updated, deleted (calls of the handler); inferred (deletions whose
    event nobody saw); duplicate (updates of an unchanged object); replaced (updates to an object of
    another uid: the deletion of the former one was told to nobody). `wrong` is what contradicts
    itself: an add of what is held, an update or a delete of what is not.
    """

    count: int
    digest: str
    idle: float
    counts: Counter[str]
    wrong: list[str]
    cache: Held | None = None
    held: Held | None = None


@dataclass
class Told:
    """What a handler was told, applied to nothing: the same bookkeeping as clientgo/told.go."""

    held: Held = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    digest: int = 0  # the sum of those of what is held, so that a change costs the same at any size
    changed: float = field(default_factory=time.monotonic)

    def change(self, change: Change[Any]) -> None:
        """Apply one change."""
        now = (change.uid, change.resource_version)
        was = self.held.get(change.key)
        match change:
            case Added():
                self.counts["added"] += 1
                fits = was is None
            case Updated():
                self.counts["updated"] += 1
                fits = was is not None
                self.counts["duplicate"] += was == now
                self.counts["replaced"] += was is not None and was[0] != now[0]
            case Deleted():
                self.counts["deleted"] += 1
                self.counts["inferred"] += change.inferred
                fits = was is not None and was[0] == now[0]
        if not fits:
            self.wrong.append(f"{change} while {was} was held")
        self._hold(change.key, None if isinstance(change, Deleted) else now)

    def view(self, cache: Held | None = None) -> View:
        """Tell how things stand; with a cache, all of what is held, too."""
        return View(
            count=len(self.held),
            digest=f"{self.digest:016x}",
            idle=time.monotonic() - self.changed,
            counts=Counter(self.counts),
            wrong=[*self.wrong],
            cache=cache,
            held=None if cache is None else dict(self.held),
        )

    def _hold(self, key: str, now: Identity | None) -> None:
        was = self.held.pop(key, None)
        if now is not None:
            self.held[key] = now
        if was != now:
            difference = (digest_of(key, now) if now else 0) - (digest_of(key, was) if was else 0)
            self.digest = (self.digest + difference) % 2**64
            self.changed = time.monotonic()


def digest_of(key: str, now: Identity) -> int:
    """Give 64 bits for one object held, the same as digestOf in clientgo/told.go."""
    uid, version = now
    return int.from_bytes(hashlib.sha256(f"{key} {uid} {version}".encode()).digest()[:8])


def digest(held: Held) -> str:
    """Give the digest of all of what is held, as a view tells it."""
    return f"{sum(digest_of(key, now) for key, now in held.items()) % 2**64:016x}"


def cached(informer: SharedInformer[Any]) -> Held:
    """What the informer holds: uid and version by key."""
    metas = {key: informer.store.meta(key) for key in informer.store}
    return {key: (m.uid, m.resource_version) for key, m in metas.items() if m is not None}
